"""Who calls, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do. `admin` includes all the others."""

    PREDICT = "predict"
    PREDICTIONS_READ = "predictions:read"
    FEEDBACK_WRITE = "feedback:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    MODELS_READ = "models:read"
    DEPLOYMENTS_READ = "deployments:read"
    DEPLOYMENTS_WRITE = "deployments:write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant's key, and its scopes. `key_id` is None where no authentication is configured.

    `is_service`: a service of the platform that speaks in its own name.
    """

    tenant: str
    key_id: str | None
    scopes: frozenset[str]
    is_service: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether the caller has `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def operates(self, platform_tenant: str) -> bool:
        """Whether the caller may see what all tenants did together: a key of the platform's own
        tenant, an `admin`, or a service."""
        return self.is_service or self.tenant == platform_tenant or Scope.ADMIN in self.scopes


SERVICE_SCOPES = {
    "training": frozenset(
        {
            Scope.DEPLOYMENTS_READ,
            Scope.DEPLOYMENTS_WRITE,
            Scope.MODELS_READ,
            Scope.PREDICTIONS_READ,
        }
    )
}
"""What each service may do in its own name, whatever its token claims."""

LOCAL = Caller(tenant="default", key_id=None, scopes=frozenset({Scope.ADMIN}))
"""Whoever calls a service that runs without authentication."""


class TokenRefused(Exception):
    """A token that proves nothing; the reason may be told to the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(Exception):
    """The issuer's keys have never been had, so no token can be judged."""
