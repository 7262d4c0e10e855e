"""The command `worker`: its jobs run by the program's own hidden command, in real processes."""

import signal
from pathlib import Path

import asyncpg

from training.adapters.jobs import store as job_store
from training.adapters.jobs.store import JobStore
from training.adapters.object_store import ObjectStoreAddress
from training.adapters.postgres import Database
from training.domain.jobs.job import Job, JobState
from training.tests.rows import examples
from training.tests.support.api import environment
from training.tests.support.database import TestDatabase
from training.tests.support.dataset_versions import put_dataset
from training.tests.support.served import bare_environment, serving
from training.tests.support.waiting import eventually


async def test_a_job_goes_through_the_program_itself(
    own_rows: asyncpg.Connection,
    database: Database,
    test_database: TestDatabase,
    data_bucket: ObjectStoreAddress,
    models_bucket: ObjectStoreAddress,
    tmp_path: Path,
) -> None:
    attacks = [one for one in examples() if one.attack]
    await put_dataset(own_rows, data_bucket, "default", "only-attacks", attacks)
    variables = bare_environment(
        str(tmp_path),
        **environment(tmp_path, database=test_database, buckets=(data_bucket, models_bucket)),
    )
    async with database.transaction() as connection:
        job = await job_store.enqueue(
            connection,
            tenant="default",
            kind="train",
            parameters={
                "name": "detector",
                "datasets": [{"name": "only-attacks", "version": 1}],
                "suites": [],
            },
            actor="key-1",
        )

    async def find() -> Job:
        found = await JobStore(database).get("default", job.id)
        assert found is not None
        return found

    async def has_ended() -> bool:
        return (await find()).state.is_terminal

    async with serving(variables, "worker") as worker:
        await eventually(has_ended)
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
    failed = await find()
    assert (failed.state, failed.attempt) == (JobState.FAILED, 1)
    assert failed.error is not None
    assert failed.error.code == "training-impossible"
    assert "both needed" in failed.error.message
    assert list((tmp_path / "state" / "scratch").iterdir()) == []
    # The process of the job had no business with keys.
    assert not (tmp_path / "state" / "signing.key").exists()
