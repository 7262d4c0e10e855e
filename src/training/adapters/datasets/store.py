"""Dataset versions in the database.

In the caller's transaction: ``find``, ``same_content``, ``next_version``, ``insert``, ``bury``,
``objects_of``. ``DatasetStore(database)``: what the API reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from training.adapters.datasets import doomed_objects
from training.adapters.postgres import Connection, Database
from training.domain.datasets.profile import Profile
from training.domain.datasets.report import Report
from training.domain.datasets.version import (
    DatasetVersion,
    Lineage,
    Part,
    Purpose,
    Tombstone,
)


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset, by its newest version; `versions` counts those that are not deleted."""

    name: str
    versions: int
    latest: DatasetVersion


async def find(
    connection: Connection, tenant: str, name: str, version: int
) -> DatasetVersion | None:
    """A version with its parts, deleted or not; None where the tenant never had it."""
    row = await connection.fetchrow(
        "SELECT * FROM dataset_versions WHERE tenant = $1 AND name = $2 AND version = $3",
        tenant,
        name,
        version,
    )
    if row is None:
        return None
    return _version(row, tuple(await objects_of(connection, row["id"], "part")))


async def objects_of(connection: Connection, version_id: UUID, kind: str) -> list[Part]:
    """A version's objects of one kind (`part`, `quarantine`, `index`, `pool`) in their order."""
    rows = await connection.fetch(
        "SELECT key, sha256, bytes, rows FROM dataset_objects"
        " WHERE version_id = $1 AND kind = $2 ORDER BY number",
        version_id,
        kind,
    )
    return [Part(**row) for row in rows]


async def same_content(
    connection: Connection, tenant: str, digest: str, limit: int = 10
) -> list[DatasetVersion]:
    """The tenant's versions with this content that are not deleted, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM dataset_versions"
        " WHERE tenant = $1 AND digest = $2 AND deleted_at IS NULL"
        " ORDER BY created_at, id LIMIT $3",
        tenant,
        digest,
        limit,
    )
    return [_version(row) for row in rows]


async def next_version(connection: Connection, tenant: str, name: str) -> int:
    """The number of the dataset's next version, for this transaction alone."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('dataset/' || $1 || '/' || $2, 0))",
        tenant,
        name,
    )
    return int(
        await connection.fetchval(
            "SELECT coalesce(max(version), 0) + 1 FROM dataset_versions"
            " WHERE tenant = $1 AND name = $2",
            tenant,
            name,
        )
    )


async def insert(
    connection: Connection,
    made: DatasetVersion,
    report: Report,
    profile: Profile,
    objects: Mapping[str, Sequence[Part]],
    prefix: str,
) -> None:
    """Store a version, and which objects it consists of, by their kind; all have the prefix."""
    await connection.execute(
        "INSERT INTO dataset_versions (id, tenant, name, version, digest, rows, attacks,"
        " quarantined, licence, source, purpose, lineage, job_id, prefix, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        made.id,
        made.tenant,
        made.name,
        made.version,
        made.digest,
        made.rows,
        made.attacks,
        made.quarantined,
        made.licence,
        made.source,
        made.purpose,
        _json(made.lineage),
        made.job_id,
        prefix,
        made.created_by,
        made.created_at,
    )
    await connection.execute(
        "INSERT INTO dataset_reports (version_id, report, profile) VALUES ($1, $2, $3)",
        made.id,
        _json(report),
        _json(profile),
    )
    await connection.executemany(
        "INSERT INTO dataset_objects (version_id, kind, number, key, sha256, bytes, rows)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (made.id, kind, number, part.key, part.sha256, part.bytes, part.rows)
            for kind, parts in objects.items()
            for number, part in enumerate(parts)
        ],
    )


async def lock(
    connection: Connection, tenant: str, name: str, version: int
) -> DatasetVersion | None:
    """A version, which nobody else deletes meanwhile."""
    row = await connection.fetchrow(
        "SELECT * FROM dataset_versions"
        " WHERE tenant = $1 AND name = $2 AND version = $3 FOR UPDATE",
        tenant,
        name,
        version,
    )
    return None if row is None else _version(row)


async def bury(connection: Connection, version: DatasetVersion, tombstone: Tombstone) -> None:
    """Delete a version's rows. Its numbers, its digest and its lineage stay."""
    prefix = await connection.fetchval(
        "UPDATE dataset_versions SET deleted_at = $2, deleted_by = $3, delete_reason = $4"
        " WHERE id = $1 RETURNING prefix",
        version.id,
        tombstone.deleted_at,
        tombstone.deleted_by,
        tombstone.reason,
    )
    await connection.execute("DELETE FROM dataset_objects WHERE version_id = $1", version.id)
    await doomed_objects.add(connection, [prefix])


class DatasetStore:
    """The versions, to read. All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: str, *, limit: int, after: str) -> list[DatasetSummary]:
        """Up to `limit` datasets by name, from beyond `after`, each with its newest version."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (name) *,"
                " count(*) FILTER (WHERE deleted_at IS NULL) OVER (PARTITION BY name) AS versions"
                " FROM dataset_versions WHERE tenant = $1 AND name > $2"
                " ORDER BY name, version DESC LIMIT $3",
                tenant,
                after,
                limit,
            )
        return [DatasetSummary(row["name"], row["versions"], _version(row)) for row in rows]

    async def versions(
        self, tenant: str, name: str, *, limit: int, before: int | None
    ) -> list[DatasetVersion]:
        """Up to `limit` versions of a dataset, newest first, older than `before`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM dataset_versions"
                " WHERE tenant = $1 AND name = $2 AND ($3::integer IS NULL OR version < $3)"
                " ORDER BY version DESC LIMIT $4",
                tenant,
                name,
                before,
                limit,
            )
        return [_version(row) for row in rows]

    async def find(self, tenant: str, name: str, version: int) -> DatasetVersion | None:
        """A version with its parts, deleted or not."""
        async with self._database.connection() as connection:
            return await find(connection, tenant, name, version)

    async def report(self, version: DatasetVersion) -> Report:
        """What its import found."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "SELECT report FROM dataset_reports WHERE version_id = $1", version.id
            )
        return msgspec.json.decode(found, type=Report)

    async def profile(self, version: DatasetVersion) -> Profile:
        """What it looks like."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "SELECT profile FROM dataset_reports WHERE version_id = $1", version.id
            )
        return msgspec.json.decode(found, type=Profile)

    async def objects(self, version: DatasetVersion, kind: str) -> list[Part]:
        """Its objects of one kind."""
        async with self._database.connection() as connection:
            return await objects_of(connection, version.id, kind)


def _version(row: asyncpg.Record, parts: tuple[Part, ...] = ()) -> DatasetVersion:
    deleted_at: datetime | None = row["deleted_at"]
    return DatasetVersion(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        version=row["version"],
        digest=row["digest"],
        rows=row["rows"],
        attacks=row["attacks"],
        quarantined=row["quarantined"],
        licence=row["licence"],
        source=row["source"],
        purpose=Purpose(row["purpose"]),
        lineage=msgspec.json.decode(row["lineage"], type=Lineage),
        created_at=row["created_at"],
        created_by=row["created_by"],
        job_id=row["job_id"],
        deleted=None
        if deleted_at is None
        else Tombstone(deleted_at, row["deleted_by"], row["delete_reason"]),
        parts=parts,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
