"""Signed bundles are judged as the service that signs them says they must be."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from model_api.adapters.bundles.signature import SIGNATURE, BundleTrust
from model_api.domain.bundle import BundleRefused

VECTORS = json.loads(Path("contracts/signing/vectors.json").read_text())


def check(trust: BundleTrust, case: dict[str, Any]) -> None:
    files = {name: base64.b64decode(content) for name, content in case["files"].items()}
    signature = files.pop(SIGNATURE, None)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    digest = f"sha256:{digests['manifest.json']}"
    assert digest == VECTORS["digest"]
    trust.check(signature, digests, digest, VECTORS["name"])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["case"])
def test_a_bundle_is_sound_or_not(case: dict[str, Any], tmp_path: Path) -> None:
    keys = tmp_path / "keys.pem"
    keys.write_text(VECTORS["trusted_key"])
    trust = BundleTrust(keys, allow_unsigned=False)

    if case["sound"]:
        check(trust, case)
    else:
        with pytest.raises(BundleRefused):
            check(trust, case)


def test_any_of_several_trusted_keys_will_do(tmp_path: Path) -> None:
    keys = tmp_path / "keys.pem"
    keys.write_text(f"an old one\n{VECTORS['stranger_key']}\nthe new one\n{VECTORS['trusted_key']}")
    sound = next(case for case in VECTORS["cases"] if case["case"] == "sound")

    check(BundleTrust(keys, allow_unsigned=False), sound)
