"""Between rows of `api_keys` and the domain's keys."""

import asyncpg

from dashboard_backend.domain.api_keys import ApiKey
from dashboard_backend.domain.scopes import Scope


def to_key(row: asyncpg.Record) -> ApiKey:
    """The key in a row. A scope that this release does not know opens nothing."""
    fields = dict(row)
    known = set(Scope)
    fields["scopes"] = frozenset(Scope(name) for name in row["scopes"] if name in known)
    return ApiKey(**fields)


def to_row(key: ApiKey) -> tuple[object, ...]:
    """The values of an insertion, in the order of the key's fields of the same names."""
    return (
        key.id,
        key.tenant,
        key.name,
        sorted(key.scopes),
        key.secret_hash,
        key.created_at,
        key.created_by,
        key.requests_per_minute,
        key.expires_at,
        key.revoked_at,
        key.rotated_at,
        key.previous_secret_hash,
        key.previous_secret_until,
        key.last_used_at,
    )
