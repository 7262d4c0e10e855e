"""Answers that hold a secret, kept for an idempotent replay so that only the caller can read them.

The key is derived (HKDF-SHA-256) from the caller's own token, of which the database knows only a
hash: a copy of the database opens nothing. AES-256-GCM; the nonce is the first 12 bytes.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


def _cipher(token: str, name: str) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=b"bartizan idempotent reply\0" + name.encode())
    return AESGCM(derived.derive(token.encode()))


def seal(reply: bytes, token: str, name: str) -> bytes:
    """Close `reply` for the holder of `token` under the Idempotency-Key `name`."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(token, name).encrypt(nonce, reply, None)


def unseal(sealed: bytes, token: str, name: str) -> bytes | None:
    """The reply, or None when `token` is not the one that closed it."""
    try:
        return _cipher(token, name).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag:
        return None
