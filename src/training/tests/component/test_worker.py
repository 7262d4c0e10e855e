"""Workers on a real PostgreSQL and a real S3, with real processes that are really killed."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from training.adapters.jobs import store as job_store
from training.adapters.jobs.checkpoints import prefix_of
from training.adapters.jobs.event_log import JobEventLog
from training.adapters.jobs.store import JobStore
from training.adapters.object_store import ObjectStore, ObjectStoreAddress
from training.adapters.postgres import Database
from training.domain.jobs.job import Job, JobState
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.job_kinds import SECRET
from training.tests.support.waiting import eventually
from training.tests.support.workers import Terms, worker_process, working

TENANT = "acme"


@pytest.fixture
def terms(
    test_database: TestDatabase, data_bucket: ObjectStoreAddress, tmp_path: Path
) -> Callable[..., Terms]:
    """Terms of work for this test's database and bucket."""
    (tmp_path / "scratch").mkdir()

    def make(**fields: Any) -> Terms:
        return Terms(
            url=test_database.url,
            password=test_database.password,
            address=data_bucket,
            scratch=str(tmp_path / "scratch"),
            **fields,
        )

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a job and its test meet."""
    made = tmp_path / "steps"
    made.mkdir()
    return made


async def enqueue(database: Database, kind: str, **parameters: Any) -> Job:
    async with database.transaction() as connection:
        return await job_store.enqueue(
            connection, tenant=TENANT, kind=kind, parameters=parameters, actor="key-1"
        )


async def get(database: Database, job: Job) -> Job:
    found = await JobStore(database).get(TENANT, job.id)
    assert found is not None
    return found


async def ended(database: Database, job: Job) -> Job:
    async def has_ended() -> bool:
        return (await get(database, job)).state.is_terminal

    await eventually(has_ended)
    return await get(database, job)


async def reached(folder: Path, step: int, attempt: int) -> int:
    """The job's process, once it is at this step."""
    file = folder / f"at-{step}-{attempt}"

    async def is_there() -> bool:
        return file.exists() and bool(file.read_text())

    await eventually(is_there)
    return int(file.read_text())


async def expire(own_rows: asyncpg.Connection) -> None:
    """Let the leases of all workers run out."""
    await own_rows.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'"
    )


def let(folder: Path, *steps: int) -> None:
    for step in steps:
        (folder / f"go-{step}").touch()


async def gone(process_id: int) -> None:
    async def has_gone() -> bool:
        status = Path(f"/proc/{process_id}/status")
        try:
            return "State:\tZ" in await asyncio.to_thread(status.read_text)
        except (FileNotFoundError, ProcessLookupError):
            return True

    await eventually(has_gone)


async def test_a_job_runs_to_its_end_and_tells_of_it(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=2)
    async with working(terms()) as counted:
        assert await reached(folder, 1, 1) != os.getpid()
        running = await get(database, job)
        assert (running.state, running.attempt) == (JobState.RUNNING, 1)
        let(folder, 1, 2)
        done = await ended(database, job)
    assert done.state is JobState.SUCCEEDED
    assert done.result is not None
    assert done.result["began"] == 0
    assert list(folder.parent.joinpath("scratch").iterdir()) == []
    assert done.progress is not None
    assert (done.progress.fraction, done.progress.step) == (1.0, "step 2")
    assert done.progress.numbers == {"loss": 0.5}
    assert (
        await own_rows.fetchval("SELECT count(*) FROM audit_log WHERE action = 'job.finished'") == 1
    )
    kinds = [event.kind for event in await JobEventLog(database).after(job.id, 0, limit=99)]
    assert kinds.count("log") == 2
    assert kinds[0] == kinds[-1] == "state"
    assert counted.ends == [("steps", "succeeded")]


async def test_checkpoints_of_a_job_that_is_done_are_deleted(
    database: Database, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=2)
    worker_terms = terms()
    bucket = ObjectStore(worker_terms.address)
    async with working(worker_terms):
        let(folder, 1)
        await reached(folder, 2, 1)
        assert len(await bucket.list(prefix_of(job.id))) == 1
        let(folder, 2)
        await ended(database, job)

        async def is_swept() -> bool:
            return not await bucket.list(prefix_of(job.id))

        await eventually(is_swept)


async def test_a_killed_worker_takes_its_job_with_it_and_another_goes_on_from_the_checkpoint(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=3)
    async with worker_process(terms(name="first")) as first:
        let(folder, 1)
        process_id = await reached(folder, 2, 1)
        first.kill()
        await gone(process_id)
    await expire(own_rows)
    async with worker_process(terms(name="second")):
        await reached(folder, 2, 2)
        let(folder, 2, 3)
        done = await ended(database, job)
    assert (done.state, done.attempt, done.killed_attempts) == (JobState.SUCCEEDED, 2, 1)
    assert done.result is not None
    assert done.result["began"] == 1
    assert await own_rows.fetchval("SELECT count(*) FROM audit_log") == 1


async def test_three_killed_workers_park_the_job(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=1)
    for attempt in (1, 2, 3):
        async with worker_process(terms()) as worker:
            await reached(folder, 1, attempt)
            worker.kill()
        await expire(own_rows)
    async with working(terms()):
        parked = await ended(database, job)
    assert (parked.state, parked.killed_attempts) == (JobState.POISONED, 3)


async def test_a_job_whose_process_dies_three_times_is_parked_and_its_worker_lives(
    database: Database, terms: Callable[..., Terms]
) -> None:
    job = await enqueue(database, "dying")
    other = await enqueue(database, "refusing")
    async with working(terms()) as counted:
        parked = await ended(database, job)
        await ended(database, other)
    assert (parked.state, parked.killed_attempts) == (JobState.POISONED, 3)
    assert [state for kind, state in counted.ends if kind == "dying"] == [
        "queued",
        "queued",
        "poisoned",
    ]


async def test_a_worker_that_is_told_to_stop_hands_its_jobs_back(
    database: Database, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=3)
    async with worker_process(terms()) as worker:
        let(folder, 1)
        await reached(folder, 2, 1)
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0
    waiting = await get(database, job)
    assert (waiting.state, waiting.killed_attempts) == (JobState.QUEUED, 0)
    async with working(terms()):
        await reached(folder, 2, 2)
        let(folder, 2, 3)
        done = await ended(database, job)
    assert done.result is not None
    assert done.result["began"] == 1


async def test_a_running_job_is_cancelled(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=1)
    async with working(terms()):
        process_id = await reached(folder, 1, 1)
        async with database.transaction() as connection:
            await job_store.request_cancel(connection, TENANT, job.id)
        cancelled = await ended(database, job)
        await gone(process_id)
    assert (cancelled.state, cancelled.error) == (JobState.CANCELLED, None)
    assert await own_rows.fetchval("SELECT count(*) FROM audit_log") == 0


async def test_a_job_that_does_not_listen_is_killed_with_all_that_it_started(
    database: Database, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "deaf", folder=str(folder))
    async with working(terms(stop_grace_s=0.2)):

        async def has_begun() -> bool:
            return (folder / "sleeper").exists() and bool((folder / "sleeper").read_text())

        await eventually(has_begun)
        async with database.transaction() as connection:
            await job_store.request_cancel(connection, TENANT, job.id)
        assert (await ended(database, job)).state is JobState.CANCELLED
    await gone(int((folder / "sleeper").read_text()))


async def test_a_worker_that_lost_its_job_stops_it_and_does_not_finish_it(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=1)
    async with worker_process(terms(name="first")) as first:
        process_id = await reached(folder, 1, 1)
        first.send_signal(signal.SIGSTOP)
        await expire(own_rows)
        async with worker_process(terms(name="second")):
            await reached(folder, 1, 2)
            first.send_signal(signal.SIGCONT)
            await gone(process_id)
            let(folder, 1)
            done = await ended(database, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    assert await own_rows.fetchval("SELECT count(*) FROM audit_log") == 1


async def test_a_job_that_wants_too_much_memory_fails_and_says_so(
    database: Database, terms: Callable[..., Terms]
) -> None:
    job = await enqueue(database, "greedy", blocks=100_000)
    modest = await enqueue(database, "greedy", blocks=2)
    async with working(terms(memory_bytes=400 << 20)):
        failed = await ended(database, job)
        assert (await ended(database, modest)).state is JobState.SUCCEEDED
    assert (failed.state, failed.attempt) == (JobState.FAILED, 1)
    assert failed.error is not None
    assert failed.error.code == "out-of-memory"
    assert "400 MiB" in failed.error.message


async def test_a_refusal_says_why(database: Database, terms: Callable[..., Terms]) -> None:
    job = await enqueue(database, "refusing")
    async with working(terms()):
        failed = await ended(database, job)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("no-column", "There is no such column.")


@pytest.mark.parametrize("kind", ["broken", "ineffective"])
async def test_a_defect_is_told_without_the_data_that_it_quotes(
    kind: str,
    database: Database,
    own_rows: asyncpg.Connection,
    terms: Callable[..., Terms],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = await enqueue(database, kind)
    async with working(terms()):
        failed = await ended(database, job)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == "internal-error"
    assert f"{job.id}/1" in failed.error.message
    told = [
        str(vars(record)["exception"]) for record in caplog.records if hasattr(record, "exception")
    ]
    assert any("RuntimeError at " in line and "job_kinds.py" in line for line in told)
    assert not any(SECRET in line for line in [*told, failed.error.message])
    # What the effects had done before they failed is undone.
    assert await own_rows.fetchval("SELECT count(*) FROM audit_log") == 0


@pytest.mark.parametrize("kind", ["lonely", "unequipped"])
async def test_a_job_waits_for_what_its_process_lacks(
    kind: str, database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms]
) -> None:
    job = await enqueue(database, kind)
    async with working(terms()):
        waiting = job

        async def waits() -> bool:
            nonlocal waiting
            waiting = await get(database, job)
            return waiting.error is not None

        await eventually(waits)
        assert (waiting.state, waiting.killed_attempts) == (JobState.QUEUED, 0)
        await own_rows.execute("UPDATE jobs SET due_at = now()")
        assert (await ended(database, job)).state is JobState.SUCCEEDED


async def test_an_overdue_job_is_stopped(
    database: Database, own_rows: asyncpg.Connection, terms: Callable[..., Terms], folder: Path
) -> None:
    job = await enqueue(database, "steps", folder=str(folder), steps=1)
    async with working(terms()):
        process_id = await reached(folder, 1, 1)
        await own_rows.execute("UPDATE jobs SET deadline_at = now()")
        failed = await ended(database, job)
        await gone(process_id)
    assert failed.error is not None
    assert failed.error.code == "deadline-exceeded"


async def test_a_job_outlasts_the_databases_absence(
    own_databases: Databases, data_bucket: ObjectStoreAddress, tmp_path: Path, folder: Path
) -> None:
    made = await own_databases.create()
    (tmp_path / "scratch").mkdir()
    terms = Terms(
        url=made.url,
        password=made.password,
        address=data_bucket,
        scratch=str(tmp_path / "scratch"),
        lease_s=20,
    )
    async with Database(made.url, made.password) as database, working(terms):
        await enqueue(database, "steps", folder=str(folder), steps=2)
        await reached(folder, 1, 1)
        own_databases.server.stop()
        let(folder, 1)
        await asyncio.to_thread(own_databases.server.start)
        owner = await own_databases.connect(made)
        # As long an absence as a lease: only that every worker suffered from it saves the job.
        await expire(owner)
        await reached(folder, 2, 1)
        let(folder, 2)

        async def has_succeeded() -> bool:
            return bool(await owner.fetchval("SELECT state = 'succeeded' FROM jobs"))

        await eventually(has_succeeded)
        assert await owner.fetchval("SELECT attempt FROM jobs") == 1
        await owner.close()
