"""Imports as a worker does them: killed in the middle, and with the store away for a while."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from training.adapters.datasets.reader import read_examples
from training.adapters.datasets.store import DatasetStore
from training.adapters.jobs import store as job_store
from training.adapters.object_store import BlockingObjectStore, ObjectStore
from training.adapters.postgres import Database
from training.domain.datasets.files import FileFormat
from training.domain.datasets.version import DatasetVersion, ImportRequest
from training.domain.identity import Changer
from training.domain.jobs.job import Job, JobState
from training.settings import read
from training.tests.support import api as application
from training.tests.support import served
from training.tests.support.data import jsonl, rows
from training.tests.support.database import Databases
from training.tests.support.holding_proxy import HoldingProxy
from training.tests.support.s3_server import S3Server
from training.tests.support.waiting import eventually
from training.wiring.datasets import send_file
from training.work.imports.upkeep import tidy_datasets

CHANGER = Changer("acme", "key-1")
ROWS = 6_000


class Place:
    """A database and a store of the test's own, and what a worker finds in its environment."""

    def __init__(
        self,
        database: Database,
        server: S3Server,
        environment: dict[str, str],
    ) -> None:
        self.database = database
        self.server = server
        self.environment = environment
        self.objects = BlockingObjectStore(server.bucket("data"), timeout_s=5)
        self.store = ObjectStore(server.bucket("data"), timeout_s=5)

    async def send(self, name: str, content: bytes) -> UUID:
        """Upload a file; the job that imports it."""

        async def body() -> AsyncIterator[bytes]:
            yield content

        settings = read({k: v for k, v in self.environment.items() if k.startswith("TRAINING_")})
        request = ImportRequest(name, FileFormat.JSONL, "here", "MIT")
        return await send_file(settings, CHANGER.tenant, CHANGER.actor, request, body())

    async def job(self, job_id: UUID) -> Job:
        """The job as it is now."""
        job = await job_store.JobStore(self.database).get(CHANGER.tenant, job_id)
        assert job is not None
        return job

    async def until(self, job_id: UUID, reached: Callable[[Job], bool]) -> Job:
        """The job as soon as it has come so far."""

        async def has() -> bool:
            return reached(await self.job(job_id))

        await eventually(has)
        return await self.job(job_id)

    async def version(self, name: str) -> DatasetVersion:
        """The first version of a dataset."""
        found = await DatasetStore(self.database).find(CHANGER.tenant, name, 1)
        assert found is not None
        return found


@pytest.fixture
async def place(databases: Databases, tmp_path: Path) -> AsyncIterator[Place]:
    test_database = await databases.create()
    with S3Server() as server:
        buckets = (server.bucket("data"), server.bucket("models"))
        variables = application.environment(tmp_path, None, test_database, None, buckets)
        environment = served.bare_environment(str(tmp_path), **variables)
        async with Database(test_database.url, test_database.password, timeout_s=10) as database:
            yield Place(database, server, environment)
    await databases.drop(test_database)


@asynccontextmanager
async def working(
    place: Place, store_port: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker as it is started on a platform, with the store at another port if one is given."""
    environment = place.environment
    if store_port is not None:
        environment = {**environment, "TRAINING_S3_URL": f"http://127.0.0.1:{store_port}"}
    process = await asyncio.create_subprocess_exec(
        *served.COMMAND, "worker", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def texts_of(place: Place, version: DatasetVersion) -> list[str]:
    batches = read_examples(place.objects, version.parts)
    return [each.text for batch in batches for each in batch]


async def test_an_import_ends_the_same_after_kill_9(place: Place) -> None:
    content = jsonl(rows(ROWS))
    job_id = await place.send("killed", content)
    # The last object that an import writes: until it has, nothing can end it but us.
    proxy = HoldingProxy(place.server.port, b"PUT /data/datasets/", b"/pool.jsonl")
    async with proxy.serving(), working(place, proxy.port) as worker:
        await asyncio.wait_for(proxy.holds.wait(), 60)
        assert (await place.job(job_id)).attempt == 1
        assert place.objects.list(f"datasets/acme/{job_id}/1/") != []
        (child,) = children(worker.pid)
        os.kill(child, signal.SIGKILL)
        proxy.open()
        job = await place.until(job_id, lambda each: each.state.is_terminal)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
        undisturbed = await place.send("undisturbed", content)
        await place.until(undisturbed, lambda each: each.state is JobState.SUCCEEDED)
    version = await place.version("killed")
    assert version.digest == (await place.version("undisturbed")).digest
    assert texts_of(place, version) == [row["text"] for row in rows(ROWS)]
    await tidy_datasets(place.database, place.store)
    left = {key.split("/")[3] for key in place.objects.list(f"datasets/acme/{job_id}/")}
    assert left == {"2"}, "what the killed attempt had written is gone"
    assert place.objects.list("uploads/acme/") == []


async def test_an_import_waits_for_a_store_that_is_away(place: Place) -> None:
    job_id = await place.send("patient", jsonl(rows(100)))
    place.server.stop()
    async with working(place):
        await place.until(job_id, lambda each: each.attempt >= 1)
        place.server.start()
        job = await place.until(job_id, lambda each: each.state.is_terminal)
    assert job.state is JobState.SUCCEEDED, job.error
    assert len(texts_of(place, await place.version("patient"))) == 100


async def test_an_object_that_was_altered_is_not_read(place: Place) -> None:
    job_id = await place.send("altered", jsonl(rows(100)))
    (key,) = place.objects.list("uploads/acme/")
    content = bytearray(place.objects.get(key))
    content[10] ^= 1
    place.objects.put(key, bytes(content))
    async with working(place):
        job = await place.until(job_id, lambda each: each.state.is_terminal)
    assert job.error is not None
    assert (job.state, job.error.code) == (JobState.FAILED, "object-altered")
