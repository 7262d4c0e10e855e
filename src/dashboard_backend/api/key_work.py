"""What may be done with keys, by whom: the rules between the routes and the store."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from dashboard_backend.api.door import Admission
from dashboard_backend.api.key_schemas import Key, KeyCreate, KeyPage, KeyWithToken
from dashboard_backend.domain.api_keys import (
    ApiKey,
    KeyNotActiveError,
    format_token,
    hash_secret,
    new_secret,
    revoked,
    rotated,
)
from dashboard_backend.domain.audit import AuditEntry
from dashboard_backend.domain.key_records import Claim, KeyStore
from dashboard_backend.domain.principal import Principal
from dashboard_backend.domain.problems import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    KEY_NOT_ACTIVE,
    NOT_FOUND,
    REPLY_SEALED,
    VALIDATION_FAILED,
    FieldError,
    ProblemError,
)
from dashboard_backend.domain.scopes import Scope, beyond, grants


@dataclass(frozen=True, slots=True)
class ReplySeal:
    """Closes an answer for the holder of a token, and opens it again; None for another token."""

    seal: Callable[[bytes, str, str], bytes]
    unseal: Callable[[bytes, str, str], bytes | None]


class KeyWork:
    """One method a route. Raises ProblemError, or KeysUnavailableError (the database is away)."""

    def __init__(self, store: KeyStore, seal: ReplySeal) -> None:
        """`seal` keeps replies that carry a secret."""
        self._store = store
        self._seal = seal

    async def create(
        self, admission: Admission, wanted: KeyCreate, idempotency_key: str | None
    ) -> KeyWithToken:
        """Make a key, or give the first answer again."""
        caller = admission.principal
        tenant = wanted.tenant or caller.tenant
        if tenant != caller.tenant and not grants(caller.scopes, Scope.ADMIN):
            raise ProblemError(FORBIDDEN, "Keys of another tenant need the scope admin.")
        _refuse_scopes_beyond(caller, wanted.scopes)
        now = datetime.now(UTC)
        if wanted.expires_at is not None and wanted.expires_at <= now:
            error = FieldError("/expires_at", "must be in the future")
            raise ProblemError(VALIDATION_FAILED, "The request breaks the schema.", errors=(error,))
        secret = new_secret()
        key = ApiKey(
            id=uuid7(),
            tenant=tenant,
            name=wanted.name,
            scopes=frozenset(wanted.scopes),
            secret_hash=hash_secret(secret),
            created_at=now,
            created_by=caller.key_id,
            requests_per_minute=wanted.requests_per_minute,
            expires_at=wanted.expires_at,
        )
        answer = KeyWithToken(Key.of(key, now), format_token(key.id, secret))
        claim = None
        if idempotency_key is not None:
            claim = self._claim(admission, wanted, answer, idempotency_key)
        detail = {"name": key.name, "scopes": sorted(key.scopes)}
        entry = AuditEntry(str(caller.key_id), "key.created", detail)
        earlier = await self._store.create(key, entry, claim)
        if claim is None or earlier is None:
            return answer
        return self._replay(admission, claim, earlier, idempotency_key or "")

    async def page(
        self, caller: Principal, tenant: str | None, before: UUID | None, limit: int
    ) -> KeyPage:
        """Keys of the caller's tenant, or of `tenant` for an administrator."""
        if tenant not in {None, caller.tenant} and not grants(caller.scopes, Scope.ADMIN):
            raise ProblemError(FORBIDDEN, "Keys of another tenant need the scope admin.")
        keys = await self._store.page(tenant or caller.tenant, before, limit + 1)
        now = datetime.now(UTC)
        more = len(keys) > limit
        items = [Key.of(key, now) for key in keys[:limit]]
        return KeyPage(items, items[-1].id.hex if more else None)

    async def get(self, caller: Principal, key_id: UUID) -> Key:
        """One key that the caller may see."""
        key = await self._store.get(key_id, _reach(caller))
        if key is None:
            raise _not_found()
        return Key.of(key, datetime.now(UTC))

    async def rotate(self, caller: Principal, key_id: UUID, grace: timedelta) -> KeyWithToken:
        """Give a key a new secret."""
        now = datetime.now(UTC)
        secret = new_secret()

        def change(key: ApiKey) -> ApiKey:
            # Whoever rotates a key holds it: rotation must not hand on more than creation may.
            _refuse_scopes_beyond(caller, key.scopes)
            return rotated(key, hash_secret(secret), grace, now)

        detail = {"grace_seconds": int(grace.total_seconds())}
        entry = AuditEntry(str(caller.key_id), "key.rotated", detail)
        try:
            key = await self._store.change(key_id, _reach(caller), change, entry)
        except KeyNotActiveError as error:
            raise ProblemError(KEY_NOT_ACTIVE, "The key is revoked or expired.") from error
        if key is None:
            raise _not_found()
        return KeyWithToken(Key.of(key, now), format_token(key.id, secret))

    async def revoke(self, caller: Principal, key_id: UUID) -> Key:
        """Close a key for good; again is no error."""
        now = datetime.now(UTC)

        def change(key: ApiKey) -> ApiKey:
            _refuse_scopes_beyond(caller, key.scopes)
            return revoked(key, now)

        entry = AuditEntry(str(caller.key_id), "key.revoked")
        key = await self._store.change(key_id, _reach(caller), change, entry)
        if key is None:
            raise _not_found()
        return Key.of(key, now)

    def _claim(
        self, admission: Admission, wanted: KeyCreate, answer: KeyWithToken, name: str
    ) -> Claim:
        reply = msgspec.json.encode(answer)
        return Claim(
            admission.principal.key_id,
            hashlib.sha256(name.encode()).digest(),
            hashlib.sha256(msgspec.json.encode(wanted)).digest(),
            self._seal.seal(reply, admission.token, name),
        )

    def _replay(
        self, admission: Admission, claim: Claim, earlier: Claim, name: str
    ) -> KeyWithToken:
        if earlier.request_hash != claim.request_hash:
            raise ProblemError(IDEMPOTENCY_KEY_REUSED, "The first request had another body.")
        reply = self._seal.unseal(earlier.sealed_reply, admission.token, name)
        if reply is None:
            raise ProblemError(REPLY_SEALED, "The first answer was sealed with a former secret.")
        return msgspec.json.decode(reply, type=KeyWithToken)


def _reach(caller: Principal) -> str | None:
    return None if grants(caller.scopes, Scope.ADMIN) else caller.tenant


def _refuse_scopes_beyond(caller: Principal, scopes: list[Scope] | frozenset[Scope]) -> None:
    excess = beyond(caller.scopes, scopes)
    if excess:
        raise ProblemError(FORBIDDEN, f"The caller's key lacks: {', '.join(excess)}.")


def _not_found() -> ProblemError:
    return ProblemError(NOT_FOUND, "There is no such key.")
