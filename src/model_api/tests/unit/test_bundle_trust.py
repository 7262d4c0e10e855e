"""Whose signature counts: the keys of a file that may change, and what is let in without one."""

from pathlib import Path

import pytest

from model_api.adapters.bundles.signature import BundleTrust, KeysUnreadable
from model_api.domain.bundle import BundleRefused
from model_api.tests.support.deployed_bundles import Signer, bundle_files, digest_of, write_keys

FILES = bundle_files()
DIGEST = digest_of(FILES)


def digests() -> dict[str, str]:
    return {name: digest_of({"manifest.json": content})[7:] for name, content in FILES.items()}


def check(trust: BundleTrust, signature: bytes | None) -> None:
    trust.check(signature, digests(), DIGEST, "detector")


def test_a_key_can_be_added_and_taken_away_at_any_time(tmp_path: Path) -> None:
    signer, other = Signer(), Signer()
    signature = signer.sign(FILES, DIGEST)
    keys = write_keys(tmp_path / "keys.pem", other)
    trust = BundleTrust(keys, allow_unsigned=False)
    with pytest.raises(BundleRefused, match="no trusted key"):
        check(trust, signature)

    write_keys(keys, other, signer)
    check(trust, signature)

    write_keys(keys, other)
    with pytest.raises(BundleRefused):
        check(trust, signature)


@pytest.mark.parametrize("content", [None, b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nQUJD"])
def test_keys_that_cannot_be_read_say_nothing_of_the_bundle(
    tmp_path: Path, content: bytes | None
) -> None:
    keys = tmp_path / "keys.pem"
    if content is not None:
        keys.write_bytes(content)

    with pytest.raises(KeysUnreadable):
        check(BundleTrust(keys, allow_unsigned=False), Signer().sign(FILES, DIGEST))


def test_without_trusted_keys_nothing_is_let_in() -> None:
    with pytest.raises(BundleRefused, match="MODEL_API_TRUSTED_KEYS_FILE"):
        check(BundleTrust(None, allow_unsigned=False), Signer().sign(FILES, DIGEST))


def test_an_unsigned_bundle_is_let_in_only_where_that_is_meant(tmp_path: Path) -> None:
    keys = write_keys(tmp_path / "keys.pem", Signer())
    with pytest.raises(BundleRefused, match="must be signed"):
        check(BundleTrust(keys, allow_unsigned=False), None)

    check(BundleTrust(keys, allow_unsigned=True), None)
    check(BundleTrust(None, allow_unsigned=True), None)


def test_a_wrong_signature_is_refused_even_where_none_would_do(tmp_path: Path) -> None:
    keys = write_keys(tmp_path / "keys.pem", Signer())

    with pytest.raises(BundleRefused):
        check(BundleTrust(keys, allow_unsigned=True), Signer().sign(FILES, DIGEST))


def test_another_name_for_the_same_key_changes_nothing(tmp_path: Path) -> None:
    signer = Signer()
    keys = write_keys(tmp_path / "keys.pem", signer)
    signature = signer.sign(FILES, DIGEST)
    keyid = signature.split(b'"keyid": "')[1].split(b'"')[0]

    check(BundleTrust(keys, allow_unsigned=False), signature.replace(keyid, b"a-hint"))
