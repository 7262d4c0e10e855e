import base64
from pathlib import Path

import msgspec
import pytest

from training.adapters.bundles.platform_key import TrustedKeys
from training.adapters.bundles.signing import BundleNotSound, verify_bundle
from training.tests.support.signing_vectors import TRUSTED, vectors

VECTORS = Path(__file__).parents[4] / "contracts" / "signing" / "vectors.json"
CASES = msgspec.json.decode(VECTORS.read_bytes())["cases"]


def test_the_vectors_are_those_of_this_code() -> None:
    assert VECTORS.read_bytes() == vectors()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_vector(case: dict[str, object]) -> None:
    files = {
        name: base64.b64decode(content)
        for name, content in msgspec.convert(case["files"], dict[str, str]).items()
    }
    keys = TrustedKeys.parse(TRUSTED.public_pem)
    if case["sound"]:
        assert verify_bundle(files, keys) == TRUSTED.id
    else:
        with pytest.raises(BundleNotSound):
            verify_bundle(files, keys)
