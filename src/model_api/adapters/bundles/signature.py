"""Whether a bundle was signed by someone who is trusted.

``BundleTrust(keys_file, allow_unsigned)``: ``check(signature, files, digest, name)`` raises
``BundleRefused``, or ``KeysUnreadable`` where nothing can be said now.

``signature.json`` lies beside a bundle's files: a DSSE envelope over an in-toto Statement v1, whose
subjects are the files, ``manifest.json`` among them. ``contracts/signing`` holds examples.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import SSlibKey

from model_api.domain.bundle import BundleRefused

SIGNATURE = "signature.json"
MAX_SIGNATURE_BYTES = 64 * 1024

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://bartizan.io/model-bundle/v1"
_MAX_KEYS_BYTES = 256 * 1024
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class KeysUnreadable(Exception):
    """The file of trusted keys cannot be read, or holds none, now."""


class _Signature(msgspec.Struct, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct, forbid_unknown_fields=True, rename={"payload_type": "payloadType"}):
    payload: str
    payload_type: str
    signatures: list[_Signature]


class _Subject(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    digest: dict[str, str]


class _Predicate(msgspec.Struct, forbid_unknown_fields=True):
    digest: str
    name: str


class _Statement(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename={"type": "_type", "predicate_type": "predicateType"},
):
    type: str
    subject: list[_Subject]
    predicate_type: str
    predicate: _Predicate


class BundleTrust:
    """The keys are read anew for each bundle, so that one can be added, or taken away, at any
    time; ``allow_unsigned`` lets in bundles without a signature, never one with a wrong one."""

    def __init__(self, keys_file: Path | None, *, allow_unsigned: bool) -> None:
        self._keys_file = keys_file
        self._allow_unsigned = allow_unsigned

    def check(
        self, signature: bytes | None, files: Mapping[str, str], digest: str, name: str
    ) -> None:
        """Refuse a bundle, of these files by name and SHA-256, that no trusted key has signed."""
        if self._allow_unsigned and (signature is None or self._keys_file is None):
            return
        if signature is None:
            raise BundleRefused(f"{SIGNATURE}: there is none, and bundles must be signed")
        statement = _statement(_payload(signature, self._trusted()))
        _check_subjects(statement, files)
        if statement.predicate.digest != digest:
            raise BundleRefused(f"{SIGNATURE}: was made for a bundle of another digest")
        if statement.predicate.name != name:
            raise BundleRefused(f"{SIGNATURE}: was made for a model of another name")

    def _trusted(self) -> list[Ed25519PublicKey]:
        if self._keys_file is None:
            raise BundleRefused(f"{SIGNATURE}: no keys are trusted (MODEL_API_TRUSTED_KEYS_FILE)")
        try:
            with self._keys_file.open("rb") as file:
                content = file.read(_MAX_KEYS_BYTES)
            keys = [load_pem_public_key(pem) for pem in _PEM.findall(content)]
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise KeysUnreadable(f"{self._keys_file}: {type(error).__name__}") from error
        trusted = [key for key in keys if isinstance(key, Ed25519PublicKey)]
        if not trusted:
            raise KeysUnreadable(f"{self._keys_file}: holds no Ed25519 public key")
        return trusted


def _payload(signature: bytes, trusted: list[Ed25519PublicKey]) -> bytes:
    try:
        given = msgspec.json.decode(signature, type=_Envelope)
        envelope = Envelope.from_dict(msgspec.to_builtins(given))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, FormatError):
        raise BundleRefused(f"{SIGNATURE}: is no DSSE envelope") from None
    if envelope.payload_type != _PAYLOAD_TYPE:
        raise BundleRefused(f"{SIGNATURE}: its payload is no in-toto statement")
    # A key id is a hint (DSSE 1.0, section 3.2): each trusted key may stand behind each signature.
    keys = [SSlibKey.from_crypto(key, keyid) for key in trusted for keyid in envelope.signatures]
    try:
        envelope.verify([*keys], threshold=1)
    except (VerificationError, ValueError):
        raise BundleRefused(f"{SIGNATURE}: no trusted key has signed it") from None
    return envelope.payload


def _statement(payload: bytes) -> _Statement:
    try:
        statement = msgspec.json.decode(payload, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BundleRefused(f"{SIGNATURE}: the statement is malformed") from None
    if (statement.type, statement.predicate_type) != (_STATEMENT_TYPE, _PREDICATE_TYPE):
        raise BundleRefused(f"{SIGNATURE}: states something else than a bundle")
    return statement


def _check_subjects(statement: _Statement, files: Mapping[str, str]) -> None:
    signed = {subject.name: subject.digest.get("sha256") for subject in statement.subject}
    if len(signed) != len(statement.subject):
        raise BundleRefused(f"{SIGNATURE}: names a file twice")
    for name in sorted({*signed, *files}):
        if name not in signed:
            raise BundleRefused(f"{name}: was not signed")
        if name not in files:
            raise BundleRefused(f"{name}: was signed and is missing")
        if signed[name] != files[name]:
            raise BundleRefused(f"{name}: differs from what was signed")
