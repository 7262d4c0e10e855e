"""Prefixes of objects that are nobody's any more, until the store has let go of them.

``add``, ``add_unless``, ``spare`` in the caller's transaction; ``sweep(database, objects)``.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from training.adapters.postgres import Connection, Database


class Objects(Protocol):
    """A bucket."""

    async def list(self, prefix: str) -> Sequence[str]:
        """The keys that begin with `prefix`."""
        ...

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        ...


async def add(connection: Connection, prefixes: Sequence[str]) -> None:
    """Doom what lies under these prefixes."""
    await connection.execute(
        "INSERT INTO doomed_objects (prefix) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        prefixes,
    )


async def add_unless(connection: Connection, prefix: str, job_id: UUID, attempt: int) -> None:
    """Doom what this attempt of a job leaves under the prefix, unless it is spared."""
    await connection.execute(
        "INSERT INTO doomed_objects (prefix, job_id, attempt) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING",
        prefix,
        job_id,
        attempt,
    )


async def spare(connection: Connection, prefix: str) -> None:
    """What lies under the prefix is somebody's now."""
    await connection.execute("DELETE FROM doomed_objects WHERE prefix = $1", prefix)


async def sweep(database: Database, objects: Objects, limit: int = 20) -> int:
    """Delete what is doomed; how many prefixes are clean now.

    Raises DatabaseUnavailable and what the store raises; what is left is deleted another time.
    """
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT prefix FROM doomed_objects WHERE NOT EXISTS (SELECT FROM jobs"
            " WHERE jobs.id = doomed_objects.job_id AND jobs.attempt = doomed_objects.attempt"
            " AND jobs.state IN ('queued', 'running')) ORDER BY since LIMIT $1",
            limit,
        )
    for row in rows:
        for key in await objects.list(row["prefix"]):
            await objects.delete(key)
        async with database.connection() as connection:
            await spare(connection, row["prefix"])
    return len(rows)
