"""Which checkpoints a job has: ``keep``, ``of``, ``of_no_use``, ``forget``; ``prefix_of(job_id)``.

The objects are named by their content, so that a worker that has lost its job and writes on
harms nothing; this table says which of them count.
"""

from datetime import timedelta
from uuid import UUID

import msgspec

from training.adapters.postgres import Connection
from training.domain.jobs.job import Job


def prefix_of(job_id: UUID) -> str:
    """How the keys of the job's checkpoints begin."""
    return f"checkpoints/{job_id}/"


class Checkpoint(msgspec.Struct, frozen=True):
    """`sha256` is in hexadecimal."""

    name: str
    object_key: str
    sha256: str
    bytes: int


async def keep(connection: Connection, job: Job, checkpoint: Checkpoint) -> None:
    """Let it stand under its name. The caller has locked the job."""
    await connection.execute(
        "INSERT INTO checkpoints (job_id, name, object_key, sha256, bytes, attempt)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (job_id, name) DO UPDATE SET"
        " object_key = excluded.object_key, sha256 = excluded.sha256, bytes = excluded.bytes,"
        " attempt = excluded.attempt, saved_at = now()",
        job.id,
        checkpoint.name,
        checkpoint.object_key,
        checkpoint.sha256,
        checkpoint.bytes,
        job.attempt,
    )


async def of(connection: Connection, job_id: UUID) -> list[Checkpoint]:
    """The job's checkpoints."""
    rows = await connection.fetch(
        "SELECT name, object_key, sha256, bytes FROM checkpoints WHERE job_id = $1 ORDER BY name",
        job_id,
    )
    return [Checkpoint(**row) for row in rows]


async def of_no_use(connection: Connection, kept_for: timedelta) -> list[UUID]:
    """The jobs whose checkpoints nobody will ask for: done, or ended so long ago."""
    rows = await connection.fetch(
        "SELECT id FROM jobs WHERE EXISTS (SELECT FROM checkpoints WHERE job_id = jobs.id)"
        " AND (state = 'succeeded' OR finished_at < now() - $1::interval)",
        kept_for,
    )
    return [row["id"] for row in rows]


async def forget(connection: Connection, job_id: UUID) -> None:
    """Drop the job's checkpoints, whose objects are deleted."""
    await connection.execute("DELETE FROM checkpoints WHERE job_id = $1", job_id)
