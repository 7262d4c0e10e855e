"""Rollouts in the database: found, leased by one runner at a time, and changed by revision.

Within a transaction ``add``, ``lock`` (raising ``RolloutUnknown``), ``save`` (``RolloutMoved``);
for runners ``claim(connection, lease_s) -> Lease | None``, ``hold``, ``renew``, ``release``; to
read ``find``, ``page``.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec

from training.adapters.postgres import Connection
from training.domain.rollout.refusals import RolloutUnknown
from training.domain.rollout.rollout import Rollout

CHANNEL = "training_rollouts"
_LAST_ID = UUID(int=2**128 - 1)


class RolloutMoved(Exception):
    """The rollout is no longer at the revision, or under the lease, that the change was meant
    for."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A rollout, and how often it was changed."""

    rollout: Rollout
    revision: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A rollout that is this runner's until the lease ends. A later lease has a higher fence."""

    stored: Stored
    fence: int


async def add(connection: Connection, rollout: Rollout) -> None:
    """Store a new rollout, due at once."""
    await connection.execute(
        "WITH added AS (INSERT INTO rollouts"
        " (id, tenant, model, state, document, revision, due_at)"
        " VALUES ($1, $2, $3, $4, $5, 1, now())) SELECT pg_notify($6, '')",
        rollout.id,
        rollout.tenant,
        rollout.model,
        rollout.state.value,
        _document(rollout),
        CHANNEL,
    )


async def lock(connection: Connection, tenant: str, model: str, rollout_id: UUID) -> Stored:
    """The rollout, which nobody else changes until the transaction ends. RolloutUnknown."""
    row = await connection.fetchrow(
        "SELECT document, revision FROM rollouts"
        " WHERE id = $1 AND tenant = $2 AND model = $3 FOR UPDATE",
        rollout_id,
        tenant,
        model,
    )
    if row is None:
        raise RolloutUnknown(rollout_id)
    return _stored(row)


async def hold(connection: Connection, stored: Stored, fence: int | None) -> None:
    """Lock the rollout as it was read. RolloutMoved.

    A runner names its fence: without the lease it may change nothing.
    """
    found = await connection.fetchval(
        "SELECT true FROM rollouts WHERE id = $1 AND revision = $2"
        " AND ($3::bigint IS NULL OR fence = $3) FOR UPDATE",
        stored.rollout.id,
        stored.revision,
        fence,
    )
    if not found:
        raise RolloutMoved(str(stored.rollout.id))


async def save(connection: Connection, stored: Stored) -> Stored:
    """Write the rollout over its own revision, and make it due at once. RolloutMoved."""
    revision = await connection.fetchval(
        "WITH changed AS (UPDATE rollouts SET state = $3, document = $4, revision = revision + 1,"
        " due_at = now() WHERE id = $1 AND revision = $2"
        " RETURNING revision) SELECT revision FROM changed, pg_notify($5, '')",
        stored.rollout.id,
        stored.revision,
        stored.rollout.state.value,
        _document(stored.rollout),
        CHANNEL,
    )
    if revision is None:
        raise RolloutMoved(str(stored.rollout.id))
    return Stored(stored.rollout, revision)


async def claim(connection: Connection, lease_s: float) -> Lease | None:
    """Take up a rollout that is due and that no other runner holds."""
    row = await connection.fetchrow(
        "UPDATE rollouts SET leased_until = now() + make_interval(secs => $1), fence = fence + 1"
        " WHERE id = (SELECT id FROM rollouts WHERE is_active AND due_at <= now()"
        " AND (leased_until IS NULL OR leased_until < now())"
        " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING document, revision, fence",
        lease_s,
    )
    return None if row is None else Lease(_stored(row), row["fence"])


async def renew(connection: Connection, lease: Lease, lease_s: float) -> None:
    """Keep the lease for longer, unless it has gone to another."""
    await connection.execute(
        "UPDATE rollouts SET leased_until = now() + make_interval(secs => $3)"
        " WHERE id = $1 AND fence = $2",
        lease.stored.rollout.id,
        lease.fence,
        lease_s,
    )


async def release(connection: Connection, stored: Stored, fence: int, again_in_s: float) -> None:
    """Give the lease back; what was not changed meanwhile is due again after a while."""
    await connection.execute(
        "UPDATE rollouts SET leased_until = NULL, due_at = CASE WHEN revision = $3 THEN"
        " now() + make_interval(secs => $4) ELSE due_at END WHERE id = $1 AND fence = $2",
        stored.rollout.id,
        fence,
        stored.revision,
        again_in_s,
    )


async def find(connection: Connection, tenant: str, model: str, rollout_id: UUID) -> Rollout | None:
    """A rollout of the tenant's model."""
    document = await connection.fetchval(
        "SELECT document FROM rollouts WHERE id = $1 AND tenant = $2 AND model = $3",
        rollout_id,
        tenant,
        model,
    )
    return None if document is None else _rollout(document)


async def page(
    connection: Connection, tenant: str, model: str, *, limit: int, before: UUID | None = None
) -> list[Rollout]:
    """Up to `limit` rollouts, the newest first, older than `before`."""
    rows = await connection.fetch(
        "SELECT document FROM rollouts WHERE tenant = $1 AND model = $2 AND id < $3"
        " ORDER BY id DESC LIMIT $4",
        tenant,
        model,
        before or _LAST_ID,
        limit,
    )
    return [_rollout(row["document"]) for row in rows]


def _stored(row: asyncpg.Record) -> Stored:
    return Stored(_rollout(row["document"]), row["revision"])


def _rollout(document: str) -> Rollout:
    return msgspec.json.decode(document, type=Rollout)


def _document(rollout: Rollout) -> str:
    return msgspec.json.encode(rollout).decode()
