"""Brings a model bundle from its bucket into a folder, checked against its digest."""

import hashlib
from pathlib import Path, PurePosixPath

import msgspec

from training.adapters.bundles.reader import BundleUnreadable
from training.adapters.object_store import ObjectMissing
from training.domain.bundle.contents import MANIFEST, digest_of
from training.domain.jobs.kinds import Objects


class _File(msgspec.Struct, frozen=True):
    sha256: str


class _Manifest(msgspec.Struct, frozen=True):
    files: dict[str, _File]


def download_bundle(objects: Objects, location: str, digest: str, folder: Path) -> None:
    """The bundle at the key prefix `location`, whose digest must be `digest`, into `folder`.

    Raises BundleUnreadable where it is not there whole, and what the store raises.
    """
    prefix = location.rstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _get(objects, f"{prefix}/{MANIFEST}")
    if digest_of(manifest) != digest:
        raise BundleUnreadable(f"the bundle at {prefix} is another than that of digest {digest}")
    (folder / MANIFEST).write_bytes(manifest)
    try:
        files = msgspec.json.decode(manifest, type=_Manifest).files
    except msgspec.DecodeError as error:
        raise BundleUnreadable(f"the manifest at {prefix} is malformed: {error}") from error
    for name, file in files.items():
        if name in (".", "..") or PurePosixPath(name).name != name:
            raise BundleUnreadable(f"the manifest at {prefix} names a file outside of the bundle")
        content = _get(objects, f"{prefix}/{name}")
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise BundleUnreadable(f"{prefix}/{name} differs from its digest")
        (folder / name).write_bytes(content)


def _get(objects: Objects, key: str) -> bytes:
    try:
        return objects.get(key)
    except ObjectMissing:
        raise BundleUnreadable(f"{key} is missing") from None
