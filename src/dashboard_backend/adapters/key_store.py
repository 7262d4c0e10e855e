"""API keys in PostgreSQL: every change with its line of the audit log, in one transaction."""

from collections.abc import Callable
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from dashboard_backend.adapters.api_key_rows import to_key, to_row
from dashboard_backend.adapters.postgres import Connection, Database
from dashboard_backend.domain.api_keys import ApiKey
from dashboard_backend.domain.audit import AuditEntry
from dashboard_backend.domain.key_records import Claim

_INSERT = """
INSERT INTO api_keys (id, tenant, name, scopes, secret_hash, created_at, created_by,
    requests_per_minute, expires_at, revoked_at, rotated_at, previous_secret_hash,
    previous_secret_until, last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_GET = "SELECT * FROM api_keys WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)"
_PAGE = """
SELECT * FROM api_keys WHERE tenant = $1 AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""
_UPDATE = """
UPDATE api_keys SET secret_hash = $2, previous_secret_hash = $3, previous_secret_until = $4,
    rotated_at = $5, revoked_at = $6
WHERE id = $1
"""
_AUDIT = """
INSERT INTO audit_log (id, tenant, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)
"""
_FORGET_REPLIES = "DELETE FROM idempotent_replies WHERE created_at < now() - interval '24 hours'"
# Waits for a creation under the same claim that is not yet committed.
_CLAIM = """
INSERT INTO idempotent_replies (caller, name_hash, request_hash, sealed_reply)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true
"""
_CLAIMED = """
SELECT request_hash, sealed_reply FROM idempotent_replies WHERE caller = $1 AND name_hash = $2
"""


async def insert_key(connection: Connection, key: ApiKey, entry: AuditEntry) -> None:
    """Store a key and its line of the audit log, in the caller's transaction."""
    await connection.execute(_INSERT, *to_row(key))
    await _write_down(connection, key, entry)


async def _write_down(connection: Connection, key: ApiKey, entry: AuditEntry) -> None:
    detail = msgspec.json.encode(entry.detail).decode()
    await connection.execute(
        _AUDIT, uuid7(), key.tenant, entry.actor, entry.action, str(key.id), detail
    )


class PostgresKeyStore:
    """The `KeyStore` of the domain."""

    def __init__(self, database: Database, changed: Callable[[UUID], None]) -> None:
        """`changed` hears of each changed key after the commit, ahead of any notification."""
        self._database = database
        self._changed = changed

    async def create(self, key: ApiKey, entry: AuditEntry, claim: Claim | None) -> Claim | None:
        """See `KeyStore.create`."""
        async with self._database.connection() as connection, connection.transaction():
            if claim is not None:
                earlier = await self._claim(connection, claim)
                if earlier is not None:
                    return earlier
            await insert_key(connection, key, entry)
        self._changed(key.id)
        return None

    async def _claim(self, connection: Connection, claim: Claim) -> Claim | None:
        await connection.execute(_FORGET_REPLIES)
        won = await connection.fetchval(
            _CLAIM, claim.caller, claim.name_hash, claim.request_hash, claim.sealed_reply
        )
        if won:
            return None
        row = await connection.fetchrow(_CLAIMED, claim.caller, claim.name_hash)
        if row is None:
            return await self._claim(connection, claim)
        return Claim(claim.caller, claim.name_hash, row["request_hash"], row["sealed_reply"])

    async def get(self, key_id: UUID, tenant: str | None) -> ApiKey | None:
        """See `KeyStore.get`."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_GET, key_id, tenant)
        return None if row is None else to_key(row)

    async def page(self, tenant: str, before: UUID | None, limit: int) -> list[ApiKey]:
        """See `KeyStore.page`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_PAGE, tenant, before, limit)
        return [to_key(row) for row in rows]

    async def change(
        self,
        key_id: UUID,
        tenant: str | None,
        change: Callable[[ApiKey], ApiKey],
        entry: AuditEntry,
    ) -> ApiKey | None:
        """See `KeyStore.change`."""
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(f"{_GET} FOR UPDATE", key_id, tenant)
            if row is None:
                return None
            before = to_key(row)
            after = change(before)
            if after != before:
                await connection.execute(
                    _UPDATE,
                    after.id,
                    after.secret_hash,
                    after.previous_secret_hash,
                    after.previous_secret_until,
                    after.rotated_at,
                    after.revoked_at,
                )
                await _write_down(connection, after, entry)
        self._changed(key_id)
        return after
