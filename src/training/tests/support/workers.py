"""Real workers: in the test's own process, or in one of their own that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from training.adapters.jobs.queue import Claimant
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.object_store import ObjectStore, ObjectStoreAddress
from training.adapters.postgres import Connection, Database
from training.domain.jobs.kinds import JobKind
from training.tests.support import child
from training.tests.support.job_kinds import KINDS
from training.tests.support.signing_vectors import TRUSTED
from training.work.jobs.attempt import Workplace
from training.work.jobs.checkpoint_sweep import CheckpointSweep
from training.work.jobs.child_process import child_environment
from training.work.jobs.worker import Rhythm, Worker
from training.work.training.kind import TrainKind


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Where a worker works, and how. `memory_bytes` 0 is no limit.

    With `mlflow`, the address of its store, the worker trains; else it has the tests' own kinds.
    """

    url: str
    password: str
    address: ObjectStoreAddress
    scratch: str
    name: str = "worker"
    lease_s: float = 5.0
    memory_bytes: int = 0
    places: int = 2
    stop_grace_s: float = 5.0
    models: ObjectStoreAddress | None = None
    mlflow: str = ""


def kinds_of(terms: Terms) -> Mapping[str, JobKind[Connection]]:
    """What the worker can do, by name."""
    if not terms.mlflow:
        return KINDS
    models = ObjectStore(terms.models or terms.address)
    kind = TrainKind(MlflowAddress(terms.mlflow), "default", models, lambda: TRUSTED)
    return {kind.name: kind}


class Counted:
    """What a worker counts."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def started(self, kind: str) -> None:
        """An attempt begins."""

    def ended(self, kind: str, state: str, seconds: float) -> None:
        """An attempt has ended."""
        self.ends.append((kind, state))


def make_worker(terms: Terms, database: Database, metrics: Counted) -> Worker:
    """A worker on these terms, that looks at the queue ten times a second."""
    lease = timedelta(seconds=terms.lease_s)
    place = Workplace(
        database=database,
        scratch=Path(terms.scratch),
        environment=child_environment(os.environ, ["TRAINING_DATABASE_URL"]),
        lease=lease,
        memory_bytes=terms.memory_bytes or None,
        command=(
            "-m",
            "training.tests.support.job_process",
            msgspec.json.encode(terms).decode(),
        ),
        stop_grace_s=terms.stop_grace_s,
        renew_s=0.05,
    )
    sweep = CheckpointSweep(database, ObjectStore(terms.address))
    kinds = kinds_of(terms)
    claimant = Claimant(terms.name, tuple(kinds), lease, tenant_concurrency=4)
    rhythm = Rhythm(terms.places, sweep_s=0.1, housekeeping_s=0.1)
    return Worker(kinds, claimant, place, sweep, metrics, rhythm)


@asynccontextmanager
async def working(terms: Terms) -> AsyncIterator[Counted]:
    """A worker in this process."""
    counted = Counted()
    async with Database(terms.url, terms.password, timeout_s=5) as database:
        worker = make_worker(terms, database, counted)
        task = asyncio.create_task(worker.run())
        try:
            yield counted
        finally:
            worker.stop()
            await task


@asynccontextmanager
async def worker_process(terms: Terms) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *child.python("-m", "training.tests.support.workers", msgspec.json.encode(terms).decode()),
        env=child.environment(),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def main(terms: Terms) -> None:
    """Work until SIGTERM."""
    async with Database(terms.url, terms.password, timeout_s=5) as database:
        worker = make_worker(terms, database, Counted())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Terms)))
