"""The platform's Ed25519 key, which signs bundles and the history of models; and those it trusts.

`PlatformKey.load(private, public)` makes the key at the first start. The public file beside it may
hold several keys, one PEM block after another: what a former key has signed goes on verifying.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import SSlibKey

from training.adapters.service_tokens import load_key

_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)


class PlatformKeyInvalid(Exception):
    """A file of public keys that cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """The private key, the name that its signatures carry, and the public keys that were told
    beside it: its own and those of its predecessors."""

    private: Ed25519PrivateKey
    public: SSlibKey
    trusted: "TrustedKeys"

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> Self:
        """The key's name is securesystemslib's: the digest of the public half."""
        public = SSlibKey.from_crypto(private.public_key())
        return cls(private, public, TrustedKeys({public.keyid: public}))

    @classmethod
    def load(cls, path: Path, public_path: Path) -> Self:
        """The key of the file, made with mode 0600 where there is none, its public half told.

        Raises KeyFileInvalid and PlatformKeyInvalid.
        """
        private = load_key(path)
        key = cls.of(private)
        key._publish(public_path)
        return replace(key, trusted=TrustedKeys.load(public_path))

    @property
    def id(self) -> str:
        """The key's name."""
        return self.public.keyid

    @property
    def public_pem(self) -> bytes:
        """The public half, in PEM."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes (RFC 8032)."""
        return self.private.sign(message)

    def _publish(self, path: Path) -> None:
        try:
            told = path.read_bytes() if path.exists() else b""
            if self.id not in TrustedKeys.parse(told, path):
                fresh = path.with_name(f".{path.name}.{os.getpid()}")
                fresh.write_bytes(self.public_pem + told)
                fresh.replace(path)
        except OSError as error:
            raise PlatformKeyInvalid(f"{path}: {error.strerror}") from error


class TrustedKeys(Mapping[str, SSlibKey]):
    """Public keys by their names."""

    def __init__(self, keys: Mapping[str, SSlibKey]) -> None:
        self._keys = keys

    @classmethod
    def parse(cls, pem: bytes, source: object = "the trusted keys") -> Self:
        """The Ed25519 keys of PEM blocks that follow each other. Raises PlatformKeyInvalid."""
        keys = {}
        for block in _BLOCK.findall(pem):
            try:
                public = serialization.load_pem_public_key(block)
            except ValueError:
                raise PlatformKeyInvalid(f"{source}: holds a key that cannot be read") from None
            if not isinstance(public, Ed25519PublicKey):
                raise PlatformKeyInvalid(f"{source}: holds a key that is not Ed25519")
            key = SSlibKey.from_crypto(public)
            keys[key.keyid] = key
        return cls(keys)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The keys of a file. Raises PlatformKeyInvalid, also where there is none in it."""
        try:
            keys = cls.parse(path.read_bytes(), path)
        except OSError as error:
            raise PlatformKeyInvalid(f"{path}: {error.strerror}") from error
        if not keys:
            raise PlatformKeyInvalid(f"{path}: holds no public key in PEM")
        return keys

    def __getitem__(self, name: str) -> SSlibKey:
        return self._keys[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def has_signed(self, name: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is that of the key called `name`, and the key is trusted."""
        key = self._keys.get(name)
        if key is None:
            return False
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True
