"""The worker in one file: which kinds of job it does, and what it is made of."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.evaluation import suite_store
from training.adapters.jobs.queue import Claimant
from training.adapters.object_store import BlockingObjectStore, ObjectStore
from training.adapters.postgres import Connection
from training.api.health import Health
from training.domain.jobs.kinds import JobKind
from training.settings import PREFIX, Settings
from training.utils.performance_monitor import PerformanceMonitor
from training.utils.process_limits import usable_memory
from training.utils.worker_metrics import WorkerCounters
from training.wiring.lifecycle import mlflow_of
from training.wiring.startup import bucket, database_of, open_database
from training.work.evaluation.kind import EvaluateKind
from training.work.imports.kind import ImportKind
from training.work.jobs.attempt import Workplace
from training.work.jobs.checkpoint_sweep import CheckpointSweep
from training.work.jobs.child_process import child_environment
from training.work.jobs.process import serve
from training.work.jobs.scratch import scratch_of
from training.work.jobs.worker import Rhythm, Worker
from training.work.training.kind import TrainKind

WITHHELD = tuple(
    PREFIX + name
    for name in (
        "DATABASE_URL",
        "DATABASE_PASSWORD_FILE",
        "MIGRATION_DATABASE_URL",
        "MIGRATION_DATABASE_PASSWORD_FILE",
        "REDIS_URL",
        "REDIS_PASSWORD_FILE",
        "SIGNING_KEY_FILE",
        "IDENTITY_KEY_FILE",
    )
)
"""What a job's own process is not told: it has no database, and signs nothing."""

DATABASE_SECONDS = 30.0
STREAM_SECONDS = 3_600.0
"""What reading one object of any size, of another bucket, may take."""


def kinds(settings: Settings) -> Mapping[str, JobKind[Connection]]:
    """What a worker, and a job's own process, can do, by name."""
    done = (import_kind(settings), EvaluateKind(), train_kind(settings))
    return {kind.name: kind for kind in done}


def import_kind(settings: Settings) -> ImportKind:
    """The job that makes a dataset version of a file."""

    def open_bucket(name: str) -> BlockingObjectStore:
        address = replace(bucket(settings, settings.data_bucket), bucket=name)
        return BlockingObjectStore(address, timeout_s=STREAM_SECONDS)

    return ImportKind(suite_store.protected_fingerprints, open_bucket)


def train_kind(settings: Settings) -> TrainKind:
    """The job that trains a version of a model."""
    load_key = partial(
        PlatformKey.load, settings.signing_key_file, settings.signing_public_key_file
    )
    return TrainKind(
        mlflow_of(settings),
        settings.platform_tenant,
        ObjectStore(bucket(settings, settings.models_bucket)),
        load_key,
    )


def memory_of_a_job(settings: Settings) -> int:
    """Bytes. Unless told otherwise a job is stopped, with a word of why, before the machine is."""
    return settings.worker_memory_bytes or usable_memory() * 3 // 4


def do_job(settings: Settings, descriptor: int) -> None:
    """Be the process of the one job that the worker at the other end of `descriptor` names.

    Raises what startup.REFUSALS names where a secret cannot be read, before anything is begun.
    """
    serve(
        descriptor,
        kinds(settings),
        BlockingObjectStore(bucket(settings, settings.data_bucket)),
        BlockingObjectStore(bucket(settings, settings.models_bucket)),
        memory_of_a_job(settings),
        settings.worker_nice,
    )


@asynccontextmanager
async def employed(
    settings: Settings, health: Health, monitor: PerformanceMonitor
) -> AsyncIterator[Worker]:
    """A worker with all that it needs. Raises what startup.REFUSALS names."""
    async with AsyncExitStack() as stack:
        # A job's effects may be many rows, and no caller waits for them.
        database = database_of(settings, "training-worker", timeout_s=DATABASE_SECONDS)
        await open_database(database, stack, health)
        scratch = stack.enter_context(scratch_of(settings.state_dir / "scratch"))
        lease = timedelta(seconds=settings.job_lease_seconds)
        known = kinds(settings)
        name = f"{socket.gethostname()}:{os.getpid()}"
        yield Worker(
            known,
            Claimant(name, tuple(known), lease, settings.tenant_concurrency),
            Workplace(
                database=database,
                scratch=scratch,
                environment=child_environment(os.environ, WITHHELD),
                lease=lease,
                memory_bytes=memory_of_a_job(settings),
            ),
            CheckpointSweep(database, ObjectStore(bucket(settings, settings.data_bucket))),
            WorkerCounters(monitor.registry),
            Rhythm(places=settings.worker_places),
        )
