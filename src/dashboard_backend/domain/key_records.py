"""What the keeper of API keys offers and asks for, whatever stores them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from dashboard_backend.domain.api_keys import ApiKey
from dashboard_backend.domain.audit import AuditEntry


class KeysUnavailableError(Exception):
    """The store of the keys is away, and no copy young enough is at hand."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An Idempotency-Key put on a creation by the key `caller`.

    `name_hash` and `request_hash` are SHA-256 of the Idempotency-Key and of the request;
    `sealed_reply` is the answer to replay, readable only with the caller's secret.
    """

    caller: UUID
    name_hash: bytes
    request_hash: bytes
    sealed_reply: bytes


class KeyLookup(Protocol):
    """Finds keys on the hot path."""

    def knows(self, key_id: UUID) -> bool:
        """Whether this process has seen the key lately: looking it up again is harmless."""
        ...

    async def find(self, key_id: UUID) -> ApiKey | None:
        """None when there is no such key; raises KeysUnavailableError."""
        ...

    def used(self, key_id: UUID) -> None:
        """Remember that the key was used just now, to be written down later."""
        ...


class KeyStore(Protocol):
    """Keeps the keys. Each method is one transaction and raises KeysUnavailableError.

    `tenant` None reaches across tenants, which only administrators may.
    """

    async def create(self, key: ApiKey, entry: AuditEntry, claim: Claim | None) -> Claim | None:
        """Store a key; or, when the claim was made before, change nothing and return that one."""
        ...

    async def get(self, key_id: UUID, tenant: str | None) -> ApiKey | None:
        """One key, or None."""
        ...

    async def page(self, tenant: str, before: UUID | None, limit: int) -> list[ApiKey]:
        """Keys by falling id (newest first), older than `before`."""
        ...

    async def change(
        self,
        key_id: UUID,
        tenant: str | None,
        change: Callable[[ApiKey], ApiKey],
        entry: AuditEntry,
    ) -> ApiKey | None:
        """Replace a key by `change(key)` under a row lock; what `change` raises undoes it.

        None when there is no such key. An unchanged key writes no audit entry.
        """
        ...
