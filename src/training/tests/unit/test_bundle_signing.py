import stat
from pathlib import Path

import msgspec
import pytest

from training.adapters.bundles.platform_key import PlatformKey, PlatformKeyInvalid, TrustedKeys
from training.adapters.bundles.signing import (
    SIGNATURE,
    BundleNotSound,
    sign_bundle,
    verify_bundle,
)
from training.adapters.key_files import KeyFileInvalid
from training.tests.support.signing_vectors import STRANGER, TRUSTED, bundle


def test_every_bit_of_the_envelope_and_of_the_files_matters() -> None:
    keys = TrustedKeys.parse(TRUSTED.public_pem)
    files = bundle()
    files[SIGNATURE] = msgspec.json.encode(msgspec.json.decode(sign_bundle(files, TRUSTED)))
    for name, content in files.items():
        for position in range(len(content)):
            damaged = bytearray(content)
            damaged[position] ^= 1
            changed = {**files, name: bytes(damaged)}
            try:
                verify_bundle(changed, keys)
            except BundleNotSound:
                continue
            # Base64 leaves bits unused at its end: another text, the same bytes.
            assert name == SIGNATURE
            assert verify_bundle(changed, keys) == TRUSTED.id


def test_what_differs_from_its_manifest_is_not_signed() -> None:
    for name, content in (("weights.npy", b"other"), ("more.bin", b"more")):
        with pytest.raises(BundleNotSound, match=name):
            sign_bundle({**bundle(), name: content}, TRUSTED)
    with pytest.raises(BundleNotSound, match=r"manifest\.json: there is none"):
        sign_bundle({"weights.npy": b""}, TRUSTED)


def test_a_bundle_signed_again_keeps_its_bytes() -> None:
    first = sign_bundle(bundle(), TRUSTED)
    assert sign_bundle({**bundle(), SIGNATURE: first}, TRUSTED) == first


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    private, public = tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "signing.pub.pem"
    key = PlatformKey.load(private, public)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert PlatformKey.load(private, public).id == key.id
    assert list(TrustedKeys.load(public)) == [key.id]
    assert sorted(path.name for path in private.parent.iterdir()) == [
        "signing.pem",
        "signing.pub.pem",
    ]


def test_what_a_former_key_has_signed_goes_on_verifying(tmp_path: Path) -> None:
    private, public = tmp_path / "signing.pem", tmp_path / "signing.pub.pem"
    former = PlatformKey.load(private, public)
    private.unlink()
    present = PlatformKey.load(private, public)
    assert set(TrustedKeys.load(public)) == {former.id, present.id}
    trusted = TrustedKeys.load(public)
    assert trusted.has_signed(former.id, b"message", former.sign(b"message"))
    assert not trusted.has_signed(present.id, b"message", former.sign(b"message"))
    assert not trusted.has_signed(STRANGER.id, b"message", STRANGER.sign(b"message"))


def test_a_file_that_holds_no_key_is_named(tmp_path: Path) -> None:
    private = tmp_path / "signing.pem"
    private.write_text("nothing")
    with pytest.raises(KeyFileInvalid, match=r"signing\.pem"):
        PlatformKey.load(private, tmp_path / "public.pem")
    with pytest.raises(PlatformKeyInvalid, match="holds no public key"):
        TrustedKeys.load(private)
