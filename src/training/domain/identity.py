"""Who calls, what they may do, and in whose name something changes."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do. `admin` includes all the others."""

    DATA_READ = "data:read"
    DATA_WRITE = "data:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MODELS_READ = "models:read"
    MODELS_PROMOTE = "models:promote"
    AUDIT_READ = "audit:read"
    PREDICTIONS_READ = "predictions:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant's key, and its scopes. `key_id` is None where no authentication is configured."""

    tenant: str
    key_id: str | None
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the caller has `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


LOCAL = Caller(tenant="default", key_id=None, scopes=frozenset({Scope.ADMIN}))
"""Whoever calls a service that runs without authentication."""


@dataclass(frozen=True, slots=True)
class Changer:
    """For whom something changes, by which actor (an API key's id), in which request.

    `idempotency_key` is the caller's own name for the request, by which a repetition is told.
    """

    tenant: str
    actor: str
    request_id: str | None = None
    idempotency_key: str | None = None


class TokenRefused(Exception):
    """A token that proves nothing; the reason may be told to the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(Exception):
    """The issuer's keys have never been had, so no token can be judged."""
