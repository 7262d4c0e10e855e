"""The first admin key: made once in a database's life, and handed over in a file.

The file is written before the commit: a key whose secret nobody has must never exist. A crash
between the two leaves a file that opens nothing, which the next start replaces.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from uuid_utils.compat import uuid7

from dashboard_backend.adapters.key_store import insert_key
from dashboard_backend.adapters.postgres import Database
from dashboard_backend.adapters.secret_files import write_secret
from dashboard_backend.domain.api_keys import (
    ApiKey,
    format_token,
    hash_secret,
    new_secret,
    parse_token,
)
from dashboard_backend.domain.audit import AuditEntry
from dashboard_backend.domain.scopes import Scope

# Any constant will do, as long as nothing else in this database locks it.
_LOCK = 0x62617274


class FirstKeyError(Exception):
    """The key could not be handed over, so it was not made. The text says what to do."""


async def ensure_first_key(database: Database, path: Path | None) -> bool:
    """Make the first admin key when there is no key at all; True when this call made it.

    Raises FirstKeyError, or KeysUnavailableError when the database is away.
    """
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if await connection.fetchval("SELECT EXISTS (SELECT FROM api_keys)"):
            return False
        if path is None:
            raise FirstKeyError(
                "there is no API key yet: set DASHBOARD_BACKEND_ADMIN_KEY_FILE to the path where "
                "the first one is to be written"
            )
        secret = new_secret()
        key = ApiKey(
            id=uuid7(),
            tenant="default",
            name="first administrator",
            scopes=frozenset({Scope.ADMIN}),
            secret_hash=hash_secret(secret),
            created_at=datetime.now(UTC),
        )
        await asyncio.to_thread(_hand_over, path, format_token(key.id, secret))
        await insert_key(connection, key, AuditEntry("system", "key.created", {"first": True}))
        return True


def _hand_over(path: Path, token: str) -> None:
    try:
        if path.exists() and path.stat().st_size:
            left_by_a_crash = parse_token(path.read_text("ascii", "replace").strip()) is not None
            if not left_by_a_crash:
                raise FirstKeyError(f"{path} holds something else: move it, or name another path")
        write_secret(path, f"{token}\n".encode(), replace=True)
    except OSError as error:
        raise FirstKeyError(
            f"the first API key cannot be written to {path}: {error.strerror}; "
            "make the folder writable or set DASHBOARD_BACKEND_ADMIN_KEY_FILE"
        ) from error
