"""API keys: their printed form, what is kept of them, and when they open the door.

A token reads `bz_<id>_<secret>`: 32 hexadecimal digits of the key's UUIDv7, then 64 of a
256-bit random secret. Only SHA-256 of the secret is kept. A slow or salted hash would protect
secrets that can be guessed; 256 random bits cannot, and one fast hash keeps the check off the
request's budget.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from dashboard_backend.domain.scopes import Scope

_TOKEN = re.compile(r"bz_([0-9a-f]{32})_([0-9a-f]{64})")
_SECRET_BYTES = 32


class KeyNotActiveError(Exception):
    """A revoked or expired key cannot be rotated."""


class KeyStatus(StrEnum):
    """Where a key stands in its life. Only an active one opens the door."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Presented(NamedTuple):
    """A well-formed token, taken apart. `secret_hash` is SHA-256 of the secret, 32 bytes."""

    key_id: UUID
    secret_hash: bytes


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. Times are aware; `requests_per_minute` None is the default limit.

    `previous_secret_hash` opens the door until `previous_secret_until`: the grace of a rotation.
    """

    id: UUID
    tenant: str
    name: str
    scopes: frozenset[Scope]
    secret_hash: bytes
    created_at: datetime
    created_by: UUID | None = None
    requests_per_minute: int | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_at: datetime | None = None
    previous_secret_hash: bytes | None = None
    previous_secret_until: datetime | None = None
    last_used_at: datetime | None = None

    def status(self, now: datetime) -> KeyStatus:
        """Revocation outranks expiry; a key expires at `expires_at`, not after it."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and now >= self.expires_at:
            return KeyStatus.EXPIRED
        return KeyStatus.ACTIVE

    def accepts(self, secret_hash: bytes, now: datetime) -> bool:
        """Whether this secret opens the door at `now`; compared in constant time."""
        current = hmac.compare_digest(self.secret_hash, secret_hash)
        previous = (
            self.previous_secret_hash is not None
            and self.previous_secret_until is not None
            and now < self.previous_secret_until
            and hmac.compare_digest(self.previous_secret_hash, secret_hash)
        )
        return (current or previous) and self.status(now) is KeyStatus.ACTIVE


def new_secret() -> str:
    """A fresh secret: 256 bits from the system's generator, as 64 hexadecimal digits."""
    return secrets.token_hex(_SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret, 32 bytes: all that is ever stored of it."""
    return hashlib.sha256(secret.encode()).digest()


def format_token(key_id: UUID, secret: str) -> str:
    """The token as its holder presents it."""
    return f"bz_{key_id.hex}_{secret}"


def parse_token(token: str) -> Presented | None:
    """Take a token apart; None when it does not have the form of one."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    return Presented(UUID(hex=match[1]), hash_secret(match[2]))


def rotated(key: ApiKey, secret_hash: bytes, grace: timedelta, now: datetime) -> ApiKey:
    """The key under a new secret; the one it had opens the door for `grace` more.

    A secret that was already in its grace is dropped. Raises KeyNotActiveError.
    """
    if key.status(now) is not KeyStatus.ACTIVE:
        raise KeyNotActiveError
    return replace(
        key,
        secret_hash=secret_hash,
        previous_secret_hash=key.secret_hash if grace else None,
        previous_secret_until=now + grace if grace else None,
        rotated_at=now,
    )


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    """The key closed for good; a key revoked before stays as it was."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)
