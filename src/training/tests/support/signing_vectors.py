"""The examples that every verifier of signed bundles is held against.

The key is derived from a public phrase, so that the file can be made again byte by byte:
`python -m training.tests.support.signing_vectors > contracts/signing/vectors.json`.
"""

import base64
import hashlib
import sys
from collections.abc import Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.bundles.signing import (
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    SIGNATURE,
    STATEMENT_TYPE,
    sign_bundle,
)
from training.domain.bundle.contents import MANIFEST, digest_of, file_entries, json_bytes

NAME = "detector"


def key_of(phrase: str) -> PlatformKey:
    """A key that anybody can derive: for tests alone."""
    return PlatformKey.of(
        Ed25519PrivateKey.from_private_bytes(hashlib.sha256(phrase.encode()).digest())
    )


TRUSTED = key_of("bartizan signing vectors: trusted")
STRANGER = key_of("bartizan signing vectors: stranger")


def bundle() -> dict[str, bytes]:
    """Files that look like a bundle, as far as signing is concerned."""
    contents = {"weights.npy": b"\x93NUMPY and weights", "self_test.json": b'{"cases": []}\n'}
    manifest = {"name": NAME, "version": "1.0.0", "files": file_entries(contents)}
    return {MANIFEST: json_bytes(manifest), **contents}


def _statement(files: Mapping[str, bytes], **changes: object) -> dict[str, object]:
    statement: dict[str, object] = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(files[name]).hexdigest()}}
            for name in sorted(files)
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"digest": digest_of(files[MANIFEST]), "name": NAME},
    }
    return {**statement, **changes}


def _signed(
    statement: dict[str, object], *keys: PlatformKey, payload_type: str = PAYLOAD_TYPE
) -> bytes:
    envelope = Envelope(msgspec.json.encode(statement), payload_type, {})
    for key in keys:
        envelope.sign(CryptoSigner(key.private, key.public))
    return msgspec.json.encode(envelope.to_dict())


def _repayloaded(signature: bytes, statement: dict[str, object]) -> bytes:
    envelope = msgspec.json.decode(signature)
    envelope["payload"] = base64.b64encode(msgspec.json.encode(statement)).decode()
    return msgspec.json.encode(envelope)


def _cases() -> dict[str, tuple[dict[str, bytes], bool]]:
    files = bundle()
    sound = sign_bundle(files, TRUSTED)
    altered = {**files, "weights.npy": b"\x93NUMPY and other weights"}
    extra = {**files, "more.bin": b"nobody signed this"}
    missing = {name: files[name] for name in files if name != "self_test.json"}
    statement = _statement(files)
    subjects = msgspec.json.decode(msgspec.json.encode(statement["subject"]))
    other_digest = {"digest": f"sha256:{'0' * 64}", "name": NAME}
    other_name = {"digest": digest_of(files[MANIFEST]), "name": "another"}

    def refused(signature: bytes) -> tuple[dict[str, bytes], bool]:
        return {**files, SIGNATURE: signature}, False

    return {
        "sound": ({**files, SIGNATURE: sound}, True),
        "sound, and signed by a stranger too": (
            {**files, SIGNATURE: _signed(statement, STRANGER, TRUSTED)},
            True,
        ),
        "unsigned": (files, False),
        "signed by a stranger alone": refused(_signed(statement, STRANGER)),
        "an envelope without signatures": refused(_signed(statement)),
        "an altered file": ({**altered, SIGNATURE: sound}, False),
        "a file that nobody signed": ({**extra, SIGNATURE: sound}, False),
        "a file that is missing": ({**missing, SIGNATURE: sound}, False),
        "an altered statement": refused(_repayloaded(sound, _statement(altered))),
        "a payload of another type": refused(
            _signed(statement, TRUSTED, payload_type="application/json")
        ),
        "a statement of another type": refused(
            _signed(_statement(files, _type="https://in-toto.io/Statement/v0.1"), TRUSTED)
        ),
        "a predicate of another type": refused(
            _signed(_statement(files, predicateType="https://slsa.dev/provenance/v1"), TRUSTED)
        ),
        "a predicate with another digest": refused(
            _signed(_statement(files, predicate=other_digest), TRUSTED)
        ),
        "a predicate with another name": refused(
            _signed(_statement(files, predicate=other_name), TRUSTED)
        ),
        "a subject named twice": refused(
            _signed(_statement(files, subject=[*subjects, subjects[0]]), TRUSTED)
        ),
        "a manifest that is no subject": refused(
            _signed(_statement(files, subject=subjects[1:]), TRUSTED)
        ),
        "a subject without a sha256": refused(
            _signed(
                _statement(files, subject=[{**each, "digest": {}} for each in subjects]), TRUSTED
            )
        ),
        "no envelope": refused(b"[]"),
        "no JSON": refused(b"\xff"),
    }


def vectors() -> bytes:
    """The whole file; contents are base64."""
    cases = [
        {
            "case": case,
            "sound": sound,
            "files": {name: base64.b64encode(files[name]).decode() for name in sorted(files)},
        }
        for case, (files, sound) in _cases().items()
    ]
    document = {
        "about": "Each case is the folder of a bundle, its files in base64. A verifier that trusts "
        "trusted_key alone accepts it where sound is true, and refuses it otherwise.",
        "trusted_key": TRUSTED.public_pem.decode(),
        "stranger_key": STRANGER.public_pem.decode(),
        "digest": digest_of(bundle()[MANIFEST]),
        "name": NAME,
        "cases": cases,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(vectors())
