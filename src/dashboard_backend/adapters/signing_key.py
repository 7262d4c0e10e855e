"""The keys that sign the internal JWT: an Ed25519 PEM file, made at the first start.

The file may hold several keys, one PEM block after another: the first signs, all are published,
so that services go on verifying what the former key has signed.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashboard_backend.adapters.secret_files import write_secret

_BLOCK = re.compile(rb"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----\n?", re.DOTALL)
_PUBLISHED = 2


class SigningKeyError(Exception):
    """The file cannot be used. The text says why and what to do."""


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its public half as a JWK (RFC 8037)."""

    private: Ed25519PrivateKey
    jwk: dict[str, str]

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        """`kid` is the JWK thumbprint of RFC 7638."""
        x = _base64url(private.public_key().public_bytes_raw())
        required = {"crv": "Ed25519", "kty": "OKP", "x": x}
        canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
        kid = _base64url(hashlib.sha256(canonical).digest())
        return cls(private, {**required, "kid": kid, "alg": "EdDSA", "use": "sig"})

    @property
    def kid(self) -> str:
        """The name of the key in a JWT's header."""
        return self.jwk["kid"]


def _new_block() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_signing_keys(path: Path) -> list[SigningKey]:
    """The keys of the file, the signing one first; makes the file when there is none.

    Replicas that share the path agree on one key. Raises SigningKeyError.
    """
    try:
        if not path.exists():
            write_secret(path, _new_block(), replace=False)
        blocks = _BLOCK.findall(path.read_bytes())
    except OSError as error:
        raise SigningKeyError(
            f"the signing key {path} cannot be used: {error.strerror}; "
            "set DASHBOARD_BACKEND_SIGNING_KEY_FILE to a readable file or a writable folder"
        ) from error
    keys = []
    for block in blocks:
        try:
            private = serialization.load_pem_private_key(block, password=None)
        except ValueError as error:
            raise SigningKeyError(f"{path} holds a key that cannot be read") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise SigningKeyError(f"{path} holds a key that is not Ed25519")
        keys.append(SigningKey.of(private))
    if not keys:
        raise SigningKeyError(f"{path} holds no unencrypted PKCS#8 private key in PEM")
    return keys


def rotate_signing_key(path: Path) -> SigningKey:
    """Put a new key first in the file and keep the former one for verification.

    Running services go on with what they have read; restart them to sign with the new key.
    """
    load_signing_keys(path)
    blocks = [_new_block(), *_BLOCK.findall(path.read_bytes())]
    write_secret(path, b"".join(blocks[:_PUBLISHED]), replace=True)
    return load_signing_keys(path)[0]
