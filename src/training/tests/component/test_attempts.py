"""What is the worker's own fault is not held against the job."""

from collections.abc import Callable
from pathlib import Path

import pytest

from training.adapters.jobs import store as job_store
from training.adapters.jobs.store import JobStore
from training.adapters.object_store import ObjectStoreAddress
from training.adapters.postgres import Database
from training.domain.jobs.job import Job, JobState
from training.tests.support.database import TestDatabase
from training.tests.support.waiting import eventually
from training.tests.support.workers import Terms, working
from training.work.jobs.child_process import ChildProcess

TENANT = "acme"


@pytest.fixture
def terms(test_database: TestDatabase, data_bucket: ObjectStoreAddress, tmp_path: Path) -> Terms:
    """Terms of a worker that has lost its folder."""
    return Terms(
        url=test_database.url,
        password=test_database.password,
        address=data_bucket,
        scratch=str(tmp_path / "scratch"),
    )


async def no_process(*_: object) -> ChildProcess:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def without_a_folder(_terms: Terms, _patch: pytest.MonkeyPatch) -> None:
    """It was deleted, or its disk is full."""


def without_processes(terms: Terms, patch: pytest.MonkeyPatch) -> None:
    """The machine starts no more of them."""
    Path(terms.scratch).mkdir()
    patch.setattr(ChildProcess, "start", no_process)


@pytest.mark.parametrize("break_worker", [without_a_folder, without_processes])
async def test_a_job_waits_for_a_worker_that_can_begin_it(
    database: Database,
    terms: Terms,
    monkeypatch: pytest.MonkeyPatch,
    break_worker: Callable[[Terms, pytest.MonkeyPatch], None],
) -> None:
    break_worker(terms, monkeypatch)
    async with database.transaction() as connection:
        job = await job_store.enqueue(
            connection, tenant=TENANT, kind="steps", parameters={}, actor="key-1"
        )

    async def find() -> Job:
        found = await JobStore(database).get(TENANT, job.id)
        assert found is not None
        return found

    async def was_postponed() -> bool:
        error = (await find()).error
        return error is not None and error.code == "postponed"

    async with working(terms):
        await eventually(was_postponed)
    found = await find()
    assert found.state in (JobState.QUEUED, JobState.RUNNING)
    assert found.killed_attempts == 0
