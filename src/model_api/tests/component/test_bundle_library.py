"""Deployed bundles: fetched within bounds, checked before use, and kept whole or not at all."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from model_api.adapters.bundles.library import BundleLibrary, BundleUnavailable
from model_api.adapters.bundles.signature import BundleTrust
from model_api.adapters.object_store import ObjectStore
from model_api.domain.bundle import BundleRefused
from model_api.domain.deployments.deployment import Version
from model_api.tests.support import deployed_bundles
from model_api.tests.support.deployed_bundles import Signer, bundle_files, register, write_keys
from model_api.tests.support.s3_server import S3Server

SIGNER = Signer()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys.pem", SIGNER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def library(folder: Path, own_s3: S3Server, keys: Path) -> BundleLibrary:
    trust = BundleTrust(keys, allow_unsigned=False)
    return BundleLibrary(folder, ObjectStore(own_s3.address, timeout_s=5), trust)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def test_a_bundle_is_fetched_once_and_kept(
    library: BundleLibrary, folder: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())

    detector = await library.load("detector", version)

    assert detector.digest == version.digest
    assert kept(folder) == [version.digest[7:]]
    place = folder / version.digest[7:]
    names = {"manifest.json", "self_test.json", "signature.json", "weights.npy"}
    assert {path.name for path in place.iterdir()} == names
    own_s3.stop()
    again = await library.load("detector", version)
    assert again.detect("please obey").score == detector.detect("please obey").score


async def test_a_store_that_is_away_is_waited_for(
    library: BundleLibrary, folder: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    own_s3.stop()
    with pytest.raises(BundleUnavailable):
        await library.load("detector", version)
    assert kept(folder) == []

    own_s3.start()
    assert (await library.load("detector", version)).digest == version.digest


def too_many_open_files(*_: object, **__: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def no_space_left(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unsigned(s3: S3Server, version: Version) -> None:
    s3.delete(f"{version.location}/signature.json")


def signed_by_another(s3: S3Server, version: Version) -> None:
    files = bundle_files()
    s3.put(f"{version.location}/signature.json", Signer().sign(files, version.digest))


def torn(s3: S3Server, version: Version) -> None:
    key = f"{version.location}/weights.npy"
    content = s3.get(key)
    s3.put(key, content[: len(content) // 2])


def one_bit_off(s3: S3Server, version: Version) -> None:
    key = f"{version.location}/weights.npy"
    content = bytearray(s3.get(key))
    content[-1] ^= 1
    s3.put(key, bytes(content))


def larger(s3: S3Server, version: Version) -> None:
    key = f"{version.location}/weights.npy"
    s3.put(key, s3.get(key) + b"more")


def missing(s3: S3Server, version: Version) -> None:
    s3.delete(f"{version.location}/self_test.json")


def another_manifest(s3: S3Server, version: Version) -> None:
    s3.put(f"{version.location}/manifest.json", bundle_files(seed=99)["manifest.json"])


def gone(s3: S3Server, version: Version) -> None:
    s3.delete(f"{version.location}/manifest.json")


@pytest.mark.parametrize(
    "spoil",
    [
        unsigned,
        signed_by_another,
        torn,
        one_bit_off,
        larger,
        missing,
        another_manifest,
        gone,
    ],
)
async def test_what_is_not_the_bundle_is_refused_and_not_kept(
    library: BundleLibrary,
    folder: Path,
    own_s3: S3Server,
    spoil: Callable[[S3Server, Version], None],
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    spoil(own_s3, version)

    with pytest.raises(BundleRefused):
        await library.load("detector", version)

    assert kept(folder) == []


async def test_large_files_are_not_fetched_of_a_bundle_that_nobody_trusted_has_signed(
    library: BundleLibrary, own_s3: S3Server
) -> None:
    version = register(own_s3, Signer(), "1", bundle_files())
    # Whoever asked for it would find it missing.
    own_s3.delete(f"{version.location}/weights.npy")

    with pytest.raises(BundleRefused, match="no trusted key"):
        await library.load("detector", version)


async def test_a_bundle_of_another_model_is_refused(
    library: BundleLibrary, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files(name="another"))

    with pytest.raises(BundleRefused, match="another"):
        await library.load("detector", version)


async def test_a_bundle_that_fails_its_self_test_is_refused(
    library: BundleLibrary, folder: Path, own_s3: S3Server
) -> None:
    calibration = {"method": "platt", "slope": 1.0, "intercept": 2.0}
    version = register(own_s3, SIGNER, "1", bundle_files(calibration=calibration))

    with pytest.raises(BundleRefused, match=r"self_test\.json"):
        await library.load("detector", version)
    assert kept(folder) == []


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/escape", "a/b", "..", "signature.json", "manifest.json"]
)
async def test_a_manifest_that_leads_elsewhere_is_refused(
    library: BundleLibrary, folder: Path, own_s3: S3Server, tmp_path: Path, name: str
) -> None:
    """Signed all the same: even the signer does not write where it likes."""
    entry = {"sha256": "0" * 64, "bytes": 1}
    files = bundle_files()
    listed = json.loads(files["manifest.json"])["files"]
    version = await _register_manifest(own_s3, bundle_files(files={**listed, name: entry}))

    with pytest.raises(BundleRefused):
        await library.load("detector", version)

    assert kept(folder) == []
    assert not (tmp_path.parent / "escape").exists()


async def test_a_manifest_that_lists_too_much_is_refused(
    library: BundleLibrary, own_s3: S3Server
) -> None:
    listed = json.loads(bundle_files()["manifest.json"])["files"]
    many = {f"{index}.bin": {"sha256": "0" * 64, "bytes": 0} for index in range(20)}
    large = {f"{index}.bin": {"sha256": "0" * 64, "bytes": 60 << 20} for index in range(5)}
    for files in (listed | many, listed | large):
        version = await _register_manifest(own_s3, bundle_files(files=files))
        with pytest.raises(BundleRefused, match="at most"):
            await library.load("detector", version)


async def _register_manifest(store: S3Server, files: dict[str, bytes]) -> Version:
    version = register(store, SIGNER, "1", files)
    described = json.loads(files["manifest.json"])["files"]
    names = {**described, "manifest.json": {}}
    contents = {name: files.get(name, b"") for name in names}
    signature = SIGNER.sign(contents, version.digest)
    store.put(f"{version.location}/signature.json", signature)
    return version


async def test_a_damaged_copy_is_fetched_anew(
    library: BundleLibrary, folder: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    await library.load("detector", version)
    weights = folder / version.digest[7:] / "weights.npy"
    weights.write_bytes(b"damaged")

    assert library.load_kept("detector", version) is None
    assert (await library.load("detector", version)).digest == version.digest
    assert library.load_kept("detector", version) is not None
    assert weights.read_bytes() != b"damaged"
    assert kept(folder) == [version.digest[7:]]


async def test_a_copy_that_the_disk_does_not_give_now_is_there_later(
    library: BundleLibrary, own_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the only one: a store that is away gives no other."""
    version = register(own_s3, SIGNER, "1", bundle_files())
    await library.load("detector", version)
    own_s3.stop()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", too_many_open_files)
        with pytest.raises(BundleUnavailable):
            await library.load("detector", version)

    assert (await library.load("detector", version)).digest == version.digest


async def test_a_folder_that_cannot_be_looked_into_is_done_without(
    library: BundleLibrary, own_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    monkeypatch.setattr(Path, "is_dir", too_many_open_files)

    assert (await library.load("detector", version)).digest == version.digest


async def test_a_copy_outlives_the_loss_of_the_keys_that_it_needs(
    library: BundleLibrary, keys: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    await library.load("detector", version)
    own_s3.stop()
    write_keys(keys, Signer())
    with pytest.raises(BundleUnavailable):
        await library.load("detector", version)

    write_keys(keys, SIGNER)
    assert (await library.load("detector", version)).digest == version.digest


async def test_a_bundle_that_the_disk_does_not_take_judges_all_the_same(
    library: BundleLibrary, folder: Path, own_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    monkeypatch.setattr("os.fsync", no_space_left)

    assert (await library.load("detector", version)).digest == version.digest

    assert kept(folder) == []


async def test_what_the_disk_takes_in_part_is_no_copy(
    library: BundleLibrary, folder: Path, own_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", no_space_left)
        await library.load("detector", version)

    assert library.load_kept("detector", version) is None
    assert kept(folder) == []


async def test_a_copy_whose_key_is_trusted_no_more_is_not_used(
    library: BundleLibrary, keys: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    await library.load("detector", version)
    write_keys(keys, Signer())

    with pytest.raises(BundleRefused):
        await library.load("detector", version)


async def test_keys_that_come_later_are_waited_for(
    library: BundleLibrary, keys: Path, own_s3: S3Server
) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    write_keys(keys)
    with pytest.raises(BundleUnavailable):
        await library.load("detector", version)

    write_keys(keys, SIGNER)
    assert (await library.load("detector", version)).digest == version.digest


async def test_what_is_not_named_is_deleted(
    library: BundleLibrary, folder: Path, own_s3: S3Server
) -> None:
    old = register(own_s3, SIGNER, "1", bundle_files(seed=1))
    new = register(own_s3, SIGNER, "2", bundle_files(seed=2))
    for version in (old, new):
        await library.load("detector", version)
    (folder / ".incoming-half").mkdir()

    library.collect([new.digest])

    assert kept(folder) == [new.digest[7:]]


async def test_without_a_folder_bundles_live_in_memory(own_s3: S3Server, keys: Path) -> None:
    version = register(own_s3, SIGNER, "1", bundle_files())
    trust = BundleTrust(keys, allow_unsigned=False)
    library = BundleLibrary(None, ObjectStore(own_s3.address), trust)

    assert (await library.load("detector", version)).digest == version.digest
    library.collect([])
    nowhere = replace(version, location="default/elsewhere")
    with pytest.raises(BundleRefused):
        await library.load("detector", nowhere)


async def test_without_a_store_only_copies_are_used(folder: Path, keys: Path) -> None:
    version = Version("1", deployed_bundles.digest_of(bundle_files()), "default/detector/1")
    library = BundleLibrary(folder, None, BundleTrust(keys, allow_unsigned=False))

    with pytest.raises(BundleUnavailable, match="MODEL_API_S3_URL"):
        await library.load("detector", version)
