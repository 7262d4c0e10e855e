"""Loads a model bundle, or says why it must not be used: what is checked is what is loaded."""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model_api.domain.bundle import (
    MAX_MANIFEST_BYTES,
    MIN_SELF_TEST_CASES,
    BundleRefused,
    Manifest,
    SelfTestCase,
    check_manifest,
)
from model_api.domain.judging.linear import LinearDetector

MANIFEST = "manifest.json"


def load_bundle(path: Path) -> LinearDetector:
    """The self-tested detector of the bundle in the folder `path`.

    Raises `BundleRefused` with a reason that names the file and what is wrong with it. Files that
    the manifest does not list are not read.
    """
    return open_bundle(read_bundle(path))


def open_bundle(contents: Mapping[str, bytes]) -> LinearDetector:
    """The self-tested detector of the bundle of these files, by name; BundleRefused.

    Every byte that is used was checked against the manifest first.
    """
    manifest = parse_manifest(contents[MANIFEST])
    for name in manifest.files:
        if name not in contents:
            raise BundleRefused(f"{name}: listed in the manifest and missing")
        check_file(manifest, name, contents[name])
    weights = _weights(contents[manifest.weights.file], manifest)
    detector = LinearDetector(manifest, digest_of(contents[MANIFEST]), weights)
    self_test = manifest.self_test.file
    _run_self_test(detector, _decode(self_test, contents[self_test], tuple[SelfTestCase, ...]))
    return detector


def read_bundle(path: Path) -> dict[str, bytes]:
    """The manifest in the folder `path`, and the files that it lists, none larger than it says;
    BundleRefused."""
    raw_manifest = read_file(path / MANIFEST, MAX_MANIFEST_BYTES)
    manifest = parse_manifest(raw_manifest)
    files = {name: read_file(path / name, entry.bytes) for name, entry in manifest.files.items()}
    return {**files, MANIFEST: raw_manifest}


def export_bundle(path: Path, folder: Path) -> LinearDetector:
    """Write the bundle in `path` to a new folder, those files alone that belong to it.

    Raises `BundleRefused` where it is not sound, OSError where `folder` is there already, unless
    it is empty, or cannot be written.
    """
    contents = read_bundle(path)
    detector = open_bundle(contents)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return detector


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in `manifest.json`, one that this service can serve; BundleRefused."""
    manifest = _decode(MANIFEST, content, Manifest)
    check_manifest(manifest)
    return manifest


def digest_of(manifest: bytes) -> str:
    """The digest of the bundle that has this manifest."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def check_file(manifest: Manifest, name: str, content: bytes) -> None:
    """Raise `BundleRefused` unless the content is what the manifest says of the file."""
    entry = manifest.files[name]
    if len(content) != entry.bytes:
        raise BundleRefused(f"{name}: {len(content)} bytes, the manifest says {entry.bytes}")
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise BundleRefused(f"{name}: sha256 is {found}, the manifest says {entry.sha256}")


def read_file(file: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; BundleRefused."""
    try:
        mode = file.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise BundleRefused(f"{file.name}: not a regular file")
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise BundleRefused(f"{file.name}: missing from {file.parent}") from None
    except OSError as error:
        raise BundleRefused(f"{file.name}: cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise BundleRefused(f"{file.name}: larger than {limit} bytes")
    return content


def _decode[T](name: str, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise BundleRefused(f"{name}: {error}") from error
    except UnicodeDecodeError as error:
        raise BundleRefused(f"{name}: not UTF-8: {error.reason}") from error


def _weights(content: bytes, manifest: Manifest) -> NDArray[np.floating]:
    """The array of a version-1 .npy file, its shape and type checked before memory is taken."""
    name = manifest.weights.file
    expected = (1 + len(manifest.categories), manifest.features.buckets)
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        if version != (1, 0):
            raise BundleRefused(f"{name}: .npy version {version}, (1, 0) is known")
        shape, column_major, dtype = npy.read_array_header_1_0(stream)
    except ValueError as error:
        raise BundleRefused(f"{name}: not a .npy file: {error}") from error
    if shape != expected or column_major:
        raise BundleRefused(f"{name}: shape {shape}, row-major {expected} is needed")
    if dtype != np.dtype(manifest.weights.dtype).newbyteorder("<"):
        raise BundleRefused(f"{name}: type {dtype}, the manifest says {manifest.weights.dtype}")
    body = content[stream.tell() :]
    if len(body) != dtype.itemsize * expected[0] * expected[1]:
        raise BundleRefused(f"{name}: {len(body)} bytes of weights do not fill shape {expected}")
    weights = np.frombuffer(body, dtype).reshape(expected)
    if not np.isfinite(weights).all():
        raise BundleRefused(f"{name}: holds weights that are not finite")
    return weights


def _run_self_test(detector: LinearDetector, cases: tuple[SelfTestCase, ...]) -> None:
    file, tolerance = detector.manifest.self_test.file, detector.manifest.self_test.tolerance
    if len(cases) < MIN_SELF_TEST_CASES:
        raise BundleRefused(f"{file}: {len(cases)} cases, {MIN_SELF_TEST_CASES} are needed")
    if {case.expected for case in cases} != {"attack", "benign"}:
        raise BundleRefused(f"{file}: must expect both attack and benign, and nothing else")
    balanced = detector.operating_points["balanced"]
    for case in cases:
        found = detector.detect(case.text)
        pairs = zip((found.score, *found.categories), (case.score, *case.categories), strict=False)
        same_length = len(found.categories) == len(case.categories)
        if not same_length or any(abs(got - wanted) > tolerance for got, wanted in pairs):
            raise BundleRefused(
                f"{file}: case {case.name!r} scores {found.score:.6f}, {case.score:.6f} expected"
            )
        if (found.score >= balanced) != (case.expected == "attack"):
            raise BundleRefused(
                f"{file}: case {case.name!r} is judged against its expectation, {case.expected}"
            )
