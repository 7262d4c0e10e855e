"""Encrypts texts under a key per data subject, so that forgetting the key forgets the texts.

``TextCipher(master_key)``: ``seal(tenant, subject_fingerprint, prediction_id, text) -> SealedText``
(no I/O) and ``open(tenant, prediction_id, sealed) -> str`` or ``TextUnreadable``.
``SubjectKeys(database)``: ``forget(tenant, subject_fingerprint) -> int``.

Envelope encryption: AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces in front of the
ciphertexts; a text is bound to its prediction, a data key to its subject, as associated data.
"""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from uuid_utils.compat import uuid7

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.frame import SealedText

KEY_BYTES = 32
_NONCE_BYTES = 12

KEY_LIFETIME_S = 600.0
"""A subject gets a new data key after this time, which bounds for how long after a subject was
forgotten another replica seals texts under the forgotten key: those are dropped unread."""

_MAX_CACHED_KEYS = 10_000


class TextUnreadable(Exception):
    """The text was sealed under another master key, or was tampered with."""


@dataclass(frozen=True, slots=True)
class _DataKey:
    id: UUID
    cipher: AESGCM
    wrapped: bytes
    expires: float


class TextCipher:
    """Seals and opens texts in memory; makes data keys as it needs them.

    A subject may have several data keys, one for each process and KEY_LIFETIME_S, so that
    sealing needs no database and replicas need not agree.
    """

    def __init__(self, master_key: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"the text key must be {KEY_BYTES} bytes long")
        self._master = AESGCM(master_key)
        self._master_key_id = hashlib.sha256(b"bartizan text key" + master_key).digest()[:8]
        self._clock = clock
        self._keys: OrderedDict[tuple[str, bytes], _DataKey] = OrderedDict()

    def seal(
        self, tenant: str, subject_fingerprint: bytes | None, prediction_id: UUID, text: str
    ) -> SealedText:
        """Encrypt a text. Texts without a subject share the tenant's keys for no one."""
        subject = subject_fingerprint or b""
        key = self._key(tenant, subject)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, text.encode(), _bound_to(tenant, prediction_id.bytes))
        return SealedText(nonce + sealed, key.id, key.wrapped, self._master_key_id, subject)

    def open(self, tenant: str, prediction_id: UUID, sealed: SealedText) -> str:
        """Decrypt a text; TextUnreadable when that cannot be."""
        if sealed.master_key_id != self._master_key_id:
            raise TextUnreadable("it was sealed under another text key")
        try:
            key = self._master.decrypt(
                sealed.wrapped_key[:_NONCE_BYTES],
                sealed.wrapped_key[_NONCE_BYTES:],
                _bound_to(tenant, sealed.key_id.bytes + sealed.subject_fingerprint),
            )
            text = AESGCM(key).decrypt(
                sealed.ciphertext[:_NONCE_BYTES],
                sealed.ciphertext[_NONCE_BYTES:],
                _bound_to(tenant, prediction_id.bytes),
            )
        except InvalidTag:
            raise TextUnreadable("it does not authenticate") from None
        return text.decode()

    def forget(self, tenant: str, subject_fingerprint: bytes) -> None:
        """Use this subject's present key no more."""
        self._keys.pop((tenant, subject_fingerprint), None)

    def _key(self, tenant: str, subject: bytes) -> _DataKey:
        key = self._keys.get((tenant, subject))
        now = self._clock()
        if key is None or key.expires <= now:
            key = self._new_key(tenant, subject, now + KEY_LIFETIME_S)
            self._keys[tenant, subject] = key
            if len(self._keys) > _MAX_CACHED_KEYS:
                self._keys.popitem(last=False)
        self._keys.move_to_end((tenant, subject))
        return key

    def _new_key(self, tenant: str, subject: bytes, expires: float) -> _DataKey:
        key_id, plain, nonce = uuid7(), os.urandom(KEY_BYTES), os.urandom(_NONCE_BYTES)
        wrapped = self._master.encrypt(nonce, plain, _bound_to(tenant, key_id.bytes + subject))
        return _DataKey(key_id, AESGCM(plain), nonce + wrapped, expires)


class SubjectKeys:
    """The wrapped keys in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, tenant: str, subject_fingerprint: bytes) -> int:
        """Destroy the subject's keys and texts; the number of keys. DatabaseUnavailable.

        The ciphertexts go too, but what makes them unreadable in any backup is the key's end.
        """
        async with self._database.transaction() as connection:
            forgotten = await connection.fetch(
                "UPDATE subject_keys SET wrapped_key = NULL, forgotten_at = now()"
                " WHERE tenant = $1 AND subject_fingerprint = $2 AND forgotten_at IS NULL"
                " RETURNING id",
                tenant,
                subject_fingerprint,
            )
            await connection.execute(
                "DELETE FROM prediction_texts"
                " WHERE tenant = $1 AND subject_key_id = ANY($2::uuid[])",
                tenant,
                [row["id"] for row in forgotten],
            )
        return len(forgotten)


def _bound_to(tenant: str, name: bytes) -> bytes:
    return name + b"\0" + tenant.encode()
