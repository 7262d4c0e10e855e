"""API keys as callers see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from dashboard_backend.domain.api_keys import ApiKey, KeyStatus
from dashboard_backend.domain.scopes import Scope

# In Python `$` matches before a newline at the end as well, which nobody means.
TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$(?!\n)"

type Tenant = Annotated[
    str,
    Meta(pattern=TENANT_PATTERN, description="A slug of at most 63 characters."),
]
type Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        description="For people.",
    ),
]
type Instant = Annotated[datetime, Meta(tz=True)]


class KeyCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made. Its scopes must be among the caller's own."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=32)]
    tenant: Annotated[
        Tenant | None, Meta(description="Another tenant than the caller's: administrators only.")
    ] = None
    requests_per_minute: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="Null is the gateway's default."),
    ] = None
    expires_at: Annotated[Instant | None, Meta(description="In the future; null is never.")] = None


class KeyRotate(Struct, frozen=True, forbid_unknown_fields=True):
    """A new secret for a key."""

    grace_seconds: Annotated[
        int,
        Meta(ge=0, le=604_800, description="How long the former secret goes on working."),
    ] = 0


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A key, without anything that opens a door."""

    id: UUID
    tenant: str
    name: str
    scopes: list[Scope]
    status: KeyStatus
    requests_per_minute: int | None
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime | None
    rotated_at: datetime | None
    previous_secret_until: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> "Key":
        """The view of a key at `now`."""
        return cls(
            id=key.id,
            tenant=key.tenant,
            name=key.name,
            scopes=sorted(key.scopes),
            status=key.status(now),
            requests_per_minute=key.requests_per_minute,
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
            rotated_at=key.rotated_at,
            previous_secret_until=key.previous_secret_until,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )


class KeyWithToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A key and its token, which is shown this once."""

    key: Key
    token: Annotated[str, Meta(pattern=r"^bz_[0-9a-f]{32}_[0-9a-f]{64}$")]


class KeyPage(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys, newest first; `next_cursor` is null on the last page."""

    items: list[Key]
    next_cursor: str | None
