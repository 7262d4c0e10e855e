"""Small signed bundles in the object store, as whoever registers a version leaves them."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from model_api.domain.deployments.deployment import Version
from model_api.tests.support import bundle_factory
from model_api.tests.support.s3_server import S3Server


class Signer:
    """An Ed25519 key that signs bundles."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> bytes:
        """The public key in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, files: dict[str, bytes], digest: str, name: str = "detector") -> bytes:
        """`signature.json` for these files."""
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {"name": file, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
                for file, content in files.items()
            ],
            "predicateType": "https://bartizan.io/model-bundle/v1",
            "predicate": {"digest": digest, "name": name},
        }
        payload = json.dumps(statement).encode()
        envelope = Envelope(payload, "application/vnd.in-toto+json", {})
        envelope.sign(CryptoSigner(self._key))
        return json.dumps(envelope.to_dict()).encode()


def bundle_files(**changes: Any) -> dict[str, bytes]:
    """The files of a small valid bundle, its manifest among them; `changes` of the manifest."""
    files = bundle_factory.contents()
    described = {**bundle_factory.manifest(files), **changes}
    return {**files, "manifest.json": json.dumps(described).encode()}


def digest_of(files: dict[str, bytes]) -> str:
    """The digest of the bundle."""
    return f"sha256:{hashlib.sha256(files['manifest.json']).hexdigest()}"


def register(
    store: S3Server, signer: Signer | None, version: str, files: dict[str, bytes]
) -> Version:
    """Sign the files and put them where a deployment finds them; without a signer unsigned."""
    digest = digest_of(files)
    location = f"default/detector/{version}"
    signed = {**files}
    if signer is not None:
        signed["signature.json"] = signer.sign(files, digest)
    for name, content in signed.items():
        store.put(f"{location}/{name}", content)
    return Version(version, digest, location)


def register_new(store: S3Server, signer: Signer | None, version: str, **changes: Any) -> Version:
    """A bundle like any other, of a digest of its own."""
    return register(store, signer, version, bundle_files(seed=int(version), **changes))


def write_keys(path: Path, *signers: Signer) -> Path:
    """The file of the keys that are trusted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(signer.public for signer in signers))
    return path
