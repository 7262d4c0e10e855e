"""Deploys versions on the running application, as the rollout does."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model_api.domain.deployments.deployment import Version
from model_api.tests.support.api import Api
from model_api.tests.support.deployed_bundles import Signer, write_keys
from model_api.tests.support.s3_server import S3Server
from model_api.tests.support.waiting import eventually

PATH = "/models/detector/deployment"


def settings(folder: Path, store: S3Server, *signers: Signer) -> dict[str, str]:
    """What the service needs in its environment to fetch bundles of these signers."""
    keys = write_keys(folder / "keys.pem", *signers)
    return {**store.settings(folder), "MODEL_API_TRUSTED_KEYS_FILE": str(keys)}


def desired(
    generation: int,
    champion: Version | None = None,
    *,
    canary: Version | None = None,
    weight: float = 0.5,
    sticky_by: str = "session",
    shadow: Version | None = None,
    sample: float = 1.0,
    warm: Sequence[Version] = (),
    **fields: Any,
) -> dict[str, Any]:
    """The body of a deployment."""
    return {
        "generation": generation,
        "reason": "a test",
        "rollout_id": None,
        "champion": None if champion is None else asdict(champion),
        "canary": (
            None if canary is None else {**asdict(canary), "weight": weight, "sticky_by": sticky_by}
        ),
        "shadow": None if shadow is None else {**asdict(shadow), "sample": sample},
        "warm": [asdict(version) for version in warm],
        **fields,
    }


async def deploy(api: Api, body: dict[str, Any]) -> None:
    """Ask for the deployment."""
    answer = await api.call("PUT", PATH, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == body


async def state(api: Api) -> dict[str, Any]:
    """What `GET` tells of the deployment."""
    answer = await api.call("GET", PATH)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def in_force(api: Api, generation: int, replicas: int = 1) -> None:
    """Return when every replica has come to the generation."""

    async def is_so() -> bool:
        found = [replica["generation"] for replica in (await state(api))["replicas"]]
        return found == [generation] * replicas

    await eventually(is_so)


async def deployed(api: Api, body: dict[str, Any]) -> None:
    """Ask for the deployment, and wait until it is in force."""
    await deploy(api, body)
    await in_force(api, body["generation"])
