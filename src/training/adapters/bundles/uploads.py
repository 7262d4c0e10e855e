"""Bundles in the bucket of models: where they lie, and how they are signed there.

``location_of(tenant, name, digest)``; ``upload(models, location, files)``; ``sign_uploaded(models,
location, digest, key)``, which raises ``BundleNotSound``. All may be done again.
"""

from collections.abc import Mapping
from typing import Protocol

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.bundles.signing import (
    SIGNATURE,
    BundleNotSound,
    listed_files,
    sign_bundle,
)
from training.domain.bundle.contents import MANIFEST, digest_of


class Objects(Protocol):
    """A bucket; raises ObjectMissing and StoreUnavailable."""

    async def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        ...

    async def get(self, key: str) -> bytes:
        """A whole object."""
        ...


def location_of(tenant: str, name: str, digest: str) -> str:
    """The key prefix of a bundle: what it holds is known by its digest alone."""
    return f"{tenant}/{name}/{digest.removeprefix('sha256:')}"


async def upload(models: Objects, location: str, files: Mapping[str, bytes]) -> None:
    """Put a bundle's files. The manifest comes last: where it lies, the others do."""
    for name in sorted(files, key=lambda each: (each == MANIFEST, each)):
        await models.put(f"{location}/{name}", files[name])


async def sign_uploaded(models: Objects, location: str, digest: str, key: PlatformKey) -> None:
    """Sign a bundle as it lies in the bucket, every file read and held against the manifest."""
    manifest = await models.get(f"{location}/{MANIFEST}")
    if digest_of(manifest) != digest:
        raise BundleNotSound(f"{MANIFEST}: is not that of {digest}")
    files = {MANIFEST: manifest}
    for name in listed_files(manifest):
        files[name] = await models.get(f"{location}/{name}")
    await models.put(f"{location}/{SIGNATURE}", sign_bundle(files, key))
