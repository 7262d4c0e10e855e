"""Signed bundles: a DSSE envelope over an in-toto Statement that names every file by its digest.

`signature.json` lies beside the files of a bundle. Its payload is an in-toto Statement v1
(https://in-toto.io/Statement/v1) whose subjects are the files, `manifest.json` among them, and
whose predicate, of type `PREDICATE_TYPE`, says the bundle's digest and the model's name. The
envelope is DSSE's (https://github.com/secure-systems-lab/dsse), signed with Ed25519.

A bundle is sound where a trusted key signed the payload, the subjects are the folder's files but
`signature.json`, each with its digest and none twice, and the predicate says the digest of
`manifest.json` and the name that it gives. `contracts/signing/vectors.json` holds examples.
"""

import hashlib
from collections.abc import Mapping

import msgspec
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner

from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.domain.bundle.contents import MANIFEST, digest_of

SIGNATURE = "signature.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://bartizan.io/model-bundle/v1"


class BundleNotSound(Exception):
    """Files that are not what was signed, or not signed by a trusted key; the message says why."""


class Subject(msgspec.Struct, forbid_unknown_fields=True):
    """A file and its digests by algorithm, in hexadecimal."""

    name: str
    digest: dict[str, str]


class Predicate(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of the subjects: they are the bundle of this digest, for this model."""

    digest: str
    name: str


class Statement(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename={"type": "_type", "predicate_type": "predicateType"},
):
    """An in-toto Statement v1 about a bundle."""

    type: str
    subject: list[Subject]
    predicate_type: str
    predicate: Predicate


class _FileEntry(msgspec.Struct):
    sha256: str


class _Manifest(msgspec.Struct):
    name: str
    files: dict[str, _FileEntry]


def listed_files(manifest: bytes) -> list[str]:
    """The names of the bundle's files beside the manifest. Raises BundleNotSound."""
    return sorted(_read_manifest(manifest).files)


def sign_bundle(files: Mapping[str, bytes], key: PlatformKey) -> bytes:
    """The content of `signature.json` for the files of a bundle, by name.

    Deterministic: the same files and key give the same bytes. Raises BundleNotSound where the
    files are not those that the manifest lists: what is wrong must not be vouched for.
    """
    manifest = _read_manifest(files.get(MANIFEST))
    found = {name: _sha256(content) for name, content in files.items() if name != SIGNATURE}
    listed = {name: entry.sha256 for name, entry in manifest.files.items()}
    listed[MANIFEST] = found[MANIFEST]
    for name in sorted({*found, *listed}):
        if found.get(name) != listed.get(name):
            raise BundleNotSound(f"{name}: is not what the manifest lists")
    statement = Statement(
        type=STATEMENT_TYPE,
        subject=[Subject(name, {"sha256": found[name]}) for name in sorted(found)],
        predicate_type=PREDICATE_TYPE,
        predicate=Predicate(digest_of(files[MANIFEST]), manifest.name),
    )
    envelope = Envelope(msgspec.json.encode(statement), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key.private, key.public))
    return msgspec.json.format(msgspec.json.encode(envelope.to_dict()), indent=2) + b"\n"


def verify_bundle(files: Mapping[str, bytes], keys: TrustedKeys) -> str:
    """The name of the trusted key that signed these files. Raises BundleNotSound."""
    if SIGNATURE not in files:
        raise BundleNotSound(f"{SIGNATURE}: there is none")
    payload, signer = _open_envelope(files[SIGNATURE], keys)
    try:
        statement = msgspec.json.decode(payload, type=Statement)
    except msgspec.DecodeError as error:
        raise BundleNotSound(f"{SIGNATURE}: the statement is malformed: {error}") from None
    kinds = (statement.type, statement.predicate_type)
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise BundleNotSound(f"{SIGNATURE}: states something else than a bundle")
    _check_subjects(files, statement)
    manifest = _read_manifest(files.get(MANIFEST))
    if statement.predicate.digest != digest_of(files[MANIFEST]):
        raise BundleNotSound(f"{SIGNATURE}: was made for a bundle of another digest")
    if statement.predicate.name != manifest.name:
        raise BundleNotSound(f"{SIGNATURE}: was made for a model of another name")
    return signer


def _open_envelope(content: bytes, keys: TrustedKeys) -> tuple[bytes, str]:
    try:
        envelope = Envelope.from_dict(msgspec.json.decode(content, type=dict))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise BundleNotSound(f"{SIGNATURE}: is no DSSE envelope") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise BundleNotSound(f"{SIGNATURE}: its payload is no in-toto statement")
    try:
        signers = envelope.verify(list(keys.values()), threshold=1)
    except (VerificationError, ValueError):
        raise BundleNotSound(f"{SIGNATURE}: no trusted key has signed it") from None
    return envelope.payload, next(iter(signers))


def _check_subjects(files: Mapping[str, bytes], statement: Statement) -> None:
    signed = {subject.name: subject.digest.get("sha256") for subject in statement.subject}
    if len(signed) != len(statement.subject):
        raise BundleNotSound(f"{SIGNATURE}: names a file twice")
    for name in sorted({*signed, *files} - {SIGNATURE}):
        if name not in signed:
            raise BundleNotSound(f"{name}: was not signed")
        if name not in files:
            raise BundleNotSound(f"{name}: was signed and is missing")
        if signed[name] != _sha256(files[name]):
            raise BundleNotSound(f"{name}: differs from what was signed")
    if MANIFEST not in signed:
        raise BundleNotSound(f"{MANIFEST}: was not signed")


def _read_manifest(content: bytes | None) -> _Manifest:
    if content is None:
        raise BundleNotSound(f"{MANIFEST}: there is none")
    try:
        return msgspec.json.decode(content, type=_Manifest)
    except msgspec.DecodeError as error:
        raise BundleNotSound(f"{MANIFEST}: is malformed: {error}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
