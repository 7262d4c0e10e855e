"""Policies in the database: as they are, and every version they had.

``StoredPolicy``; within a transaction ``create``, ``replace``, ``delete`` (raising
``PolicyExists``, ``PolicyUnknown``, ``PolicyChanged``); ``PolicyStore(database)``:
``get(tenant, name)``, ``page(tenant, ...)``, ``all()``, ``last_change()``.
"""

from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime

import asyncpg
import msgspec

from model_api.adapters.postgres import Connection, Database
from model_api.domain.judging.policy import Policy

CHANNEL = "model_api_policies"


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A tenant's policy, and when it was first made and last changed."""

    tenant: str
    policy: Policy
    created_at: datetime
    updated_at: datetime


class PolicyExists(Exception):
    """The tenant has a policy of this name already."""


class PolicyUnknown(Exception):
    """The tenant has no policy of this name."""


class PolicyChanged(Exception):
    """The policy is no longer at the version that the change was meant for."""


async def create(connection: Connection, tenant: str, policy: Policy, actor: str) -> StoredPolicy:
    """Store a new policy; its version goes on from where an earlier one of the name ended."""
    policy = changed(policy, version=await _next_version(connection, tenant, policy.name))
    now = datetime.now(UTC)
    added = await connection.fetchval(
        "INSERT INTO policies (tenant, name, version, document, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (tenant, name) DO NOTHING RETURNING true",
        tenant,
        policy.name,
        policy.version,
        _document(policy),
        now,
    )
    if not added:
        raise PolicyExists(policy.name)
    await _remember(connection, tenant, policy.name, policy.version, policy, now, actor)
    return StoredPolicy(tenant, policy, now, now)


async def replace(
    connection: Connection, tenant: str, policy: Policy, expected_version: int | None, actor: str
) -> StoredPolicy:
    """Store the next version of a policy; None expects no particular one."""
    created_at, version = await _lock(connection, tenant, policy.name, expected_version)
    policy = changed(policy, version=version + 1)
    now = datetime.now(UTC)
    await connection.execute(
        "UPDATE policies SET version = $3, document = $4, updated_at = $5"
        " WHERE tenant = $1 AND name = $2",
        tenant,
        policy.name,
        policy.version,
        _document(policy),
        now,
    )
    await _remember(connection, tenant, policy.name, policy.version, policy, now, actor)
    return StoredPolicy(tenant, policy, created_at, now)


async def delete(
    connection: Connection, tenant: str, name: str, expected_version: int | None, actor: str
) -> int:
    """Delete a policy; the version that stands for its deletion."""
    _, version = await _lock(connection, tenant, name, expected_version)
    await connection.execute("DELETE FROM policies WHERE tenant = $1 AND name = $2", tenant, name)
    await _remember(connection, tenant, name, version + 1, None, datetime.now(UTC), actor)
    return version + 1


class PolicyStore:
    """The policies, to read. All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, name: str) -> StoredPolicy | None:
        """The tenant's policy of this name, if there is one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT tenant, document, created_at, updated_at FROM policies"
                " WHERE tenant = $1 AND name = $2",
                tenant,
                name,
            )
        return None if row is None else _stored(row)

    async def page(self, tenant: str, *, limit: int, after: str = "") -> list[StoredPolicy]:
        """Up to ``limit`` policies in the order of their names, from beyond ``after``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT tenant, document, created_at, updated_at FROM policies"
                " WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3",
                tenant,
                after,
                limit,
            )
        return [_stored(row) for row in rows]

    async def all(self) -> list[StoredPolicy]:
        """The policies of every tenant: what the guard judges by."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT tenant, document, created_at, updated_at FROM policies"
            )
        return [_stored(row) for row in rows]

    async def last_change(self) -> int:
        """A number that grows with every change of any policy; 0 before the first."""
        async with self._database.connection() as connection:
            return int(
                await connection.fetchval("SELECT coalesce(max(change), 0) FROM policy_history")
            )


async def _next_version(connection: Connection, tenant: str, name: str) -> int:
    # Two who create the same name at once must not read the same last version.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))", tenant, name
    )
    return int(
        await connection.fetchval(
            "SELECT coalesce(max(version), 0) + 1 FROM policy_history"
            " WHERE tenant = $1 AND name = $2",
            tenant,
            name,
        )
    )


async def _lock(
    connection: Connection, tenant: str, name: str, expected_version: int | None
) -> tuple[datetime, int]:
    row = await connection.fetchrow(
        "SELECT created_at, version FROM policies WHERE tenant = $1 AND name = $2 FOR UPDATE",
        tenant,
        name,
    )
    if row is None:
        raise PolicyUnknown(name)
    if expected_version is not None and row["version"] != expected_version:
        raise PolicyChanged(f"{name} is at version {row['version']}")
    return row["created_at"], row["version"]


async def _remember(
    connection: Connection,
    tenant: str,
    name: str,
    version: int,
    policy: Policy | None,
    at: datetime,
    actor: str,
) -> None:
    await connection.execute(
        "WITH added AS (INSERT INTO policy_history"
        " (tenant, name, version, document, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, $5, $6)) SELECT pg_notify($7, '')",
        tenant,
        name,
        version,
        None if policy is None else _document(policy),
        at,
        actor,
        CHANNEL,
    )


def _document(policy: Policy) -> str:
    return msgspec.json.encode(policy).decode()


def _stored(row: asyncpg.Record) -> StoredPolicy:
    policy = msgspec.json.decode(row["document"], type=Policy)
    return StoredPolicy(row["tenant"], policy, row["created_at"], row["updated_at"])
