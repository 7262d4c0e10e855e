"""The deployed bundles on this machine, fetched when they are first needed.

``BundleLibrary(folder, store, trust)``: ``await load(model, version)`` raises ``BundleRefused``, or
``BundleUnavailable`` where it may be had later; ``load_kept(model, version)`` asks the disk alone;
``has(version)``, whether it would; ``collect(keep)`` forgets all others.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from model_api.adapters.bundles.files import (
    MANIFEST,
    check_file,
    digest_of,
    open_bundle,
    parse_manifest,
    read_bundle,
    read_file,
)
from model_api.adapters.bundles.signature import (
    MAX_SIGNATURE_BYTES,
    SIGNATURE,
    BundleTrust,
    KeysUnreadable,
)
from model_api.adapters.object_store import (
    ObjectMissing,
    ObjectStore,
    ObjectTooLarge,
    StoreUnavailable,
)
from model_api.adapters.spool.segment import sync_directory
from model_api.domain.bundle import MAX_MANIFEST_BYTES, BundleRefused, Manifest
from model_api.domain.deployments.deployment import Version
from model_api.domain.judging.detector import BundledDetector
from model_api.domain.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES

_INCOMING = ".incoming-"

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class BundleUnavailable(Exception):
    """The bundle cannot be had now; the message says why."""


class BundleLibrary:
    """A folder a bundle, named by its digest, that is there whole or not at all.

    Whatever comes from the store is bounded in size and number before it is taken, and checked
    before it is used; what lies in the folder is checked again whenever it is loaded. Where
    ``folder`` is None, or cannot be written, bundles are in memory alone.
    """

    def __init__(self, folder: Path | None, store: ObjectStore | None, trust: BundleTrust) -> None:
        self._folder = folder
        self._store = store
        self._trust = trust

    async def load(self, model: str, version: Version) -> BundledDetector:
        """The detector of a version: of the copy here, or else of a new one."""
        try:
            kept = await asyncio.to_thread(self.load_kept, model, version)
            if kept is not None:
                return kept
            files = await self._fetch(model, version)
            return await asyncio.to_thread(self._take, model, version, files)
        except (KeysUnreadable, StoreUnavailable) as error:
            raise BundleUnavailable(str(error)) from error
        except (ObjectMissing, ObjectTooLarge) as error:
            raise BundleRefused(str(error)) from error

    def has(self, version: Version) -> bool:
        """Whether a copy is on this machine, sound or not."""
        folder = self._place_of(version.digest)
        with suppress(OSError):
            return folder is not None and folder.is_dir()
        return False

    def load_kept(self, model: str, version: Version) -> BundledDetector | None:
        """The detector of the copy on this machine; None where there is none that may be used.

        Such a copy stays: another disk's hour, or another key, may make it usable, and the store
        may be away. KeysUnreadable.
        """
        folder = self._place_of(version.digest)
        try:
            if folder is None or not folder.is_dir():
                return None
            return self._open(_read(folder), model, version)
        except (BundleRefused, OSError) as error:
            _log.warning("kept bundle not used", digest=version.digest, reason=str(error))
            return None

    def collect(self, keep: Collection[str]) -> None:
        """Delete every bundle whose digest is not among these, and what was left half-fetched."""
        if self._folder is None or not self._folder.is_dir():
            return
        named = {_hexadecimal(digest) for digest in keep}
        for folder in self._folder.iterdir():
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)
                _log.info("bundle deleted", folder=folder.name)

    async def _fetch(self, model: str, version: Version) -> dict[str, bytes]:
        """The files of a bundle, each of them what a trusted key has signed."""
        raw_manifest = await self._get(version, MANIFEST, MAX_MANIFEST_BYTES)
        if digest_of(raw_manifest) != version.digest:
            raise BundleRefused(f"{MANIFEST}: is not that of {version.digest}")
        manifest = parse_manifest(raw_manifest)
        _check_bounds(manifest)
        files = {MANIFEST: raw_manifest}
        signature = await self._signature(version)
        if signature is not None:
            files[SIGNATURE] = signature
        # Before the large files, so that nobody without a key makes us fetch them.
        await asyncio.to_thread(self._check_signature, signature, manifest, version, model)
        for name, entry in manifest.files.items():
            files[name] = await self._get(version, name, entry.bytes)
            check_file(manifest, name, files[name])
        return files

    async def _get(self, version: Version, name: str, limit: int) -> bytes:
        if self._store is None:
            raise StoreUnavailable("no object store is configured (MODEL_API_S3_URL)")
        return await self._store.get(f"{version.location}/{name}", limit)

    async def _signature(self, version: Version) -> bytes | None:
        try:
            return await self._get(version, SIGNATURE, MAX_SIGNATURE_BYTES)
        except ObjectMissing:
            return None

    def _take(self, model: str, version: Version, files: Mapping[str, bytes]) -> BundledDetector:
        """The detector of fetched files, which are kept where the disk takes them."""
        detector = self._open(files, model, version)
        place = self._place_of(version.digest)
        if place is not None:
            try:
                _keep(place, files)
            except OSError as error:
                _log.error(
                    "bundle not kept: a restart has to fetch it anew",
                    digest=version.digest,
                    reason=error.strerror,
                )
        return detector

    def _open(self, files: Mapping[str, bytes], model: str, version: Version) -> BundledDetector:
        detector = open_bundle(files)
        if detector.digest != version.digest:
            raise BundleRefused(f"{MANIFEST}: is not that of {version.digest}")
        _check_bounds(detector.manifest)
        self._check_signature(files.get(SIGNATURE), detector.manifest, version, model)
        return detector

    def _check_signature(
        self, signature: bytes | None, manifest: Manifest, version: Version, model: str
    ) -> None:
        if manifest.name != model:
            raise BundleRefused(f"{MANIFEST}: is of the model {manifest.name!r}, not of {model!r}")
        files = {name: entry.sha256 for name, entry in manifest.files.items()}
        files[MANIFEST] = _hexadecimal(version.digest)
        self._trust.check(signature, files, version.digest, model)

    def _place_of(self, digest: str) -> Path | None:
        return None if self._folder is None else self._folder / _hexadecimal(digest)


def _read(folder: Path) -> dict[str, bytes]:
    files = read_bundle(folder)
    signature = folder / SIGNATURE
    if signature.exists():
        files[SIGNATURE] = read_file(signature, MAX_SIGNATURE_BYTES)
    return files


def _keep(place: Path, files: Mapping[str, bytes]) -> None:
    """Have the files on the disk at `place`, in the place of what may be there. OSError."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=place.parent))
    replaced = incoming.with_name(f"{incoming.name}-replaced")
    try:
        for name, content in files.items():
            _write(incoming / name, content)
        sync_directory(incoming)
        with suppress(FileNotFoundError):
            place.rename(replaced)
        incoming.rename(place)
        sync_directory(place.parent)
    finally:
        for litter in (incoming, replaced):
            shutil.rmtree(litter, ignore_errors=True)


def _hexadecimal(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _check_bounds(manifest: Manifest) -> None:
    if len(manifest.files) > MAX_BUNDLE_FILES:
        raise BundleRefused(
            f"{MANIFEST}: lists {len(manifest.files)} files, at most {MAX_BUNDLE_FILES} are taken"
        )
    total = sum(entry.bytes for entry in manifest.files.values())
    if total > MAX_BUNDLE_BYTES:
        raise BundleRefused(f"{MANIFEST}: {total} bytes, at most {MAX_BUNDLE_BYTES} are taken")
    for reserved in (MANIFEST, SIGNATURE):
        if reserved in manifest.files:
            raise BundleRefused(f"{reserved}: cannot be one of the files that the manifest lists")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
