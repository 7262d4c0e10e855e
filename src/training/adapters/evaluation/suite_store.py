"""Evaluation suites in the database, beside those that are built in.

In the caller's transaction: ``find``, ``chosen_by_default``, ``insert``, ``delete``,
``protected_fingerprints``, ``users_of``. ``SuiteStore(database)``: what the API reads.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from training.adapters.evaluation import builtin_suites
from training.adapters.postgres import Connection, Database
from training.domain.datasets.version import DatasetVersion
from training.domain.evaluation.definition import (
    DatasetReference,
    SuiteDefinition,
    SuiteExists,
    SuiteUnknown,
)
from training.domain.evaluation.suite import Measure

_COLUMNS = (
    "SELECT s.name, s.description, s.digest, s.measures, s.protected, s.is_default, s.rows,"
    " s.attacks, s.created_by, s.created_at,"
    " array_agg(v.name ORDER BY d.number) AS dataset_names,"
    " array_agg(v.version ORDER BY d.number) AS dataset_versions"
    " FROM suites s"
    " JOIN suite_datasets d ON d.tenant = s.tenant AND d.suite = s.name"
    " JOIN dataset_versions v ON v.id = d.version_id"
)


async def find(connection: Connection, tenant: str, name: str) -> SuiteDefinition | None:
    """The suite of this name, the tenant's or a built-in one."""
    for built_in in builtin_suites.definitions():
        if built_in.name == name:
            return built_in
    row = await connection.fetchrow(
        f"{_COLUMNS} WHERE s.tenant = $1 AND s.name = $2 GROUP BY s.tenant, s.name", tenant, name
    )
    return None if row is None else _definition(row)


async def chosen_by_default(connection: Connection, tenant: str) -> list[SuiteDefinition]:
    """The built-in suites, and those of the tenant that are default, by name."""
    rows = await connection.fetch(
        f"{_COLUMNS} WHERE s.tenant = $1 AND s.is_default GROUP BY s.tenant, s.name", tenant
    )
    both = [*builtin_suites.definitions(), *map(_definition, rows)]
    return sorted(both, key=lambda suite: suite.name)


async def insert(
    connection: Connection,
    tenant: str,
    suite: SuiteDefinition,
    version_ids: Sequence[UUID],
    fingerprints: NDArray[np.uint64],
) -> None:
    """Add a suite; `fingerprints` of its texts, ascending. SuiteExists."""
    if suite.name in builtin_suites.BUILT_IN:
        raise SuiteExists(suite.name)
    inserted = await connection.fetchval(
        "INSERT INTO suites (tenant, name, description, digest, measures, protected, is_default,"
        " rows, attacks, fingerprints, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (tenant, name) DO NOTHING RETURNING true",
        tenant,
        suite.name,
        suite.description,
        suite.digest,
        list(suite.measures),
        suite.protected,
        suite.is_default,
        suite.rows,
        suite.attacks,
        fingerprints.astype("<u8").tobytes(),
        suite.created_by,
        suite.created_at,
    )
    if not inserted:
        raise SuiteExists(suite.name)
    await connection.executemany(
        "INSERT INTO suite_datasets (tenant, suite, number, version_id) VALUES ($1, $2, $3, $4)",
        [(tenant, suite.name, number, one) for number, one in enumerate(version_ids)],
    )


async def delete(connection: Connection, tenant: str, name: str) -> None:
    """Forget a suite of the tenant's, and what it is made of. SuiteUnknown."""
    deleted = await connection.fetchval(
        "DELETE FROM suites WHERE tenant = $1 AND name = $2 RETURNING true", tenant, name
    )
    if not deleted:
        raise SuiteUnknown(name)


async def protected_fingerprints(connection: Connection, tenant: str) -> NDArray[np.uint64]:
    """The ascending fingerprints of all texts in protected suites, the built-in ones included."""
    rows = await connection.fetch(
        "SELECT fingerprints FROM suites WHERE tenant = $1 AND protected", tenant
    )
    stored = [np.frombuffer(row["fingerprints"], "<u8").astype(np.uint64) for row in rows]
    return np.unique(np.concatenate([builtin_suites.fingerprints(), *stored]))


async def users_of(connection: Connection, version: DatasetVersion) -> list[str]:
    """The suites that a dataset version is a part of, as `suite everyday`."""
    rows = await connection.fetch(
        "SELECT DISTINCT suite FROM suite_datasets WHERE version_id = $1 ORDER BY suite", version.id
    )
    return [f"suite {row['suite']}" for row in rows]


class SuiteStore:
    """The suites, to read. All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, name: str) -> SuiteDefinition | None:
        """The suite of this name, the tenant's or a built-in one."""
        async with self._database.connection() as connection:
            return await find(connection, tenant, name)

    async def page(self, tenant: str, *, limit: int, after: str) -> list[SuiteDefinition]:
        """Up to `limit` suites by name, from beyond `after`: the tenant's and the built-in ones."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f'{_COLUMNS} WHERE s.tenant = $1 AND s.name COLLATE "C" > $2'
                ' GROUP BY s.tenant, s.name ORDER BY s.name COLLATE "C" LIMIT $3',
                tenant,
                after,
                limit,
            )
        built_in = [suite for suite in builtin_suites.definitions() if suite.name > after]
        both = sorted([*built_in, *map(_definition, rows)], key=lambda suite: suite.name)
        return both[:limit]


def _definition(row: asyncpg.Record) -> SuiteDefinition:
    datasets = zip(row["dataset_names"], row["dataset_versions"], strict=True)
    return SuiteDefinition(
        name=row["name"],
        description=row["description"],
        digest=row["digest"],
        measures=tuple(map(Measure, row["measures"])),
        protected=row["protected"],
        is_default=row["is_default"],
        rows=row["rows"],
        attacks=row["attacks"],
        datasets=tuple(DatasetReference(*one) for one in datasets),
        created_by=row["created_by"],
        created_at=row["created_at"],
    )
