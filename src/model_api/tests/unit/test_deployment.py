"""Deployments that cannot be meant cannot be built."""

from dataclasses import replace
from typing import Any

import pytest

from model_api.domain.deployments.deployment import (
    Canary,
    Deployment,
    DeploymentInvalid,
    Shadow,
    StickyBy,
    Version,
)

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
ONE = Version("1", DIGEST, "default/detector/1")
TWO = Version("2", OTHER, "default/detector/2")
CANARY = Canary("2", OTHER, "default/detector/2", 0.5, StickyBy.SESSION)
SHADOW = Shadow("2", OTHER, "default/detector/2", 0.5)
DEPLOYMENT = Deployment(1, "a reason", champion=ONE, canary=CANARY, shadow=SHADOW, warm=(TWO,))


def test_each_version_is_named_once_in_the_order_of_need() -> None:
    three = Version("3", DIGEST, "default/detector/3")

    assert DEPLOYMENT.versions == (ONE, TWO)
    assert replace(DEPLOYMENT, warm=(three, ONE, TWO)).versions == (ONE, TWO, three)
    assert Deployment(1, "back to the packaged bundle").versions == ()
    assert Deployment(1, "keep one warm", warm=(ONE,)).versions == (ONE,)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"generation": 0}, "generation"),
        ({"generation": 1 << 53}, "generation"),
        ({"reason": ""}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": "x" * 1_001}, "reason"),
        ({"warm": (ONE,) * 9}, "warm"),
        ({"champion": replace(ONE, version="")}, "champion.version"),
        ({"champion": replace(ONE, version="a b")}, "champion.version"),
        ({"champion": replace(ONE, digest="sha256:00")}, "champion.digest"),
        ({"champion": replace(ONE, digest=DIGEST.upper())}, "champion.digest"),
        ({"champion": replace(ONE, location="")}, "champion.location"),
        ({"champion": replace(ONE, location="/etc")}, "champion.location"),
        ({"champion": replace(ONE, location="default/../secrets")}, "champion.location"),
        ({"champion": replace(ONE, location="default//1")}, "champion.location"),
        ({"champion": replace(ONE, location="default\\1")}, "champion.location"),
        ({"champion": replace(ONE, location="default/\n1")}, "champion.location"),
        ({"champion": replace(ONE, location="x" * 513)}, "champion.location"),
        ({"canary": replace(CANARY, weight=0.0)}, "canary.weight"),
        ({"canary": replace(CANARY, weight=1.1)}, "canary.weight"),
        ({"canary": replace(CANARY, weight=float("nan"))}, "canary.weight"),
        ({"shadow": replace(SHADOW, sample=0.0)}, "shadow.sample"),
        ({"warm": (TWO, replace(TWO, version="1"))}, "warm.1.digest"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(DeploymentInvalid) as refused:
        replace(DEPLOYMENT, **changes)

    assert refused.value.field == field
