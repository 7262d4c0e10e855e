"""`kill -9` of the service at every step of a rollout: it ends as it does without.

The peer holds the call of the step, before it has its effect or after, and the service is killed
while it waits for the answer. Another is started, which goes on.
"""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.lifecycle import history_check
from training.adapters.lifecycle.event_store import read_history
from training.adapters.postgres import Database
from training.tests.support import api as application
from training.tests.support import served
from training.tests.support.database import TestDatabase
from training.tests.support.guard_peer import (
    ALIAS_PATH,
    DeploymentBody,
    GuardPeer,
    Hold,
    guard_peer,
)
from training.tests.support.models import crown, register
from training.tests.support.served import bare_environment
from training.tests.support.waiting import eventually

NAME = "detector"
DEPLOYMENT = f"/models/{NAME}/deployment"
PLAN = [
    {"stage": "shadow", "sample": 1.0, "predictions": 100},
    {"stage": "canary", "weight": 0.5, "predictions": 100},
    {"stage": "canary", "weight": 1.0, "predictions": 100},
]
GATES = {"error_rate": {"maximum": 0.1, "window_seconds": 60, "minimum_predictions": 50}}
WELL: dict[str, Any] = {"predictions": 200, "blocked": 20}
BADLY: dict[str, Any] = {"predictions": 200, "errors": 100}

STAGED = {"champion": "1", "warm": "2"}
SHADOW = {"champion": "1", "shadow": "2"}
HALF = {"champion": "1", "canary": "2", "weight": "0.5"}
ALL = {"champion": "1", "canary": "2", "weight": "1"}
PROMOTED = {"champion": "2", "warm": "1"}
BEFORE = {"champion": "1"}

type Fits = Callable[[str, bytes], bool]


@dataclass(frozen=True)
class Ending:
    """How a rollout ends."""

    state: str
    deployments: list[dict[str, str]]
    events: list[str]
    alias: str


WENT_WELL = Ending(
    "completed",
    [STAGED, SHADOW, HALF, ALL, PROMOTED],
    [
        "VersionRegistered",
        "RolloutStarted",
        "VersionStaged",
        "ShadowStarted",
        "GatePassed",
        "CanaryStarted",
        "GatePassed",
        "CanaryStarted",
        "GatePassed",
        "Promoted",
    ],
    "2",
)
WENT_BACK = Ending(
    "rolled_back",
    [STAGED, SHADOW, HALF, BEFORE],
    [
        "VersionRegistered",
        "RolloutStarted",
        "VersionStaged",
        "ShadowStarted",
        "GatePassed",
        "CanaryStarted",
        "GateFailed",
        "RolledBack",
    ],
    "1",
)


def deploying(roles: dict[str, str]) -> Fits:
    """The call that asks for these roles."""

    def fits(call: str, body: bytes) -> bool:
        is_put = call == f"PUT {DEPLOYMENT}"
        return is_put and msgspec.json.decode(body, type=DeploymentBody).roles == roles

    return fits


def measuring(call: str, _: bytes) -> bool:
    """The call that asks for the counters."""
    return call == f"GET {DEPLOYMENT}/metrics"


def pointing(call: str, body: bytes) -> bool:
    """The call that moves the alias."""
    return call == f"POST {ALIAS_PATH}" and msgspec.json.decode(body)["version"] == "2"


MOMENTS: dict[str, tuple[Fits, Ending]] = {
    "staging": (deploying(STAGED), WENT_WELL),
    "shadow": (deploying(SHADOW), WENT_WELL),
    "watching": (measuring, WENT_WELL),
    "first canary": (deploying(HALF), WENT_WELL),
    "last canary": (deploying(ALL), WENT_WELL),
    "promoting": (deploying(PROMOTED), WENT_WELL),
    "moving the alias": (pointing, WENT_WELL),
    "rolling back": (deploying(BEFORE), WENT_BACK),
}


@dataclass
class Platform:
    """What outlives the service: its database, its keys, and the peer."""

    database: Database
    peer: GuardPeer
    environment: dict[str, str]
    keys: TrustedKeys

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[served.Served, httpx.AsyncClient]]:
        async with served.serving(self.environment) as process:
            api, _ = await process.urls()
            async with served.client(api) as client:
                yield process, client


@pytest.fixture
async def platform(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> AsyncIterator[Platform]:
    """Version 1 is champion, and version 2 is registered."""
    settings = application.environment(tmp_path / "settings", database=test_database)
    state = Path(settings["TRAINING_STATE_DIR"])
    key = PlatformKey.load(state / "signing.key", state / "signing.pub")
    await register(database, key, "default", NAME, 1, 2)
    await crown(database, key, "default", NAME, 1)
    async with guard_peer() as peer:
        settings["TRAINING_MODEL_API_URL"] = settings["TRAINING_MLFLOW_URL"] = peer.url
        platform = Platform(
            database=database,
            peer=peer,
            environment=bare_environment(str(tmp_path), **settings),
            keys=TrustedKeys.load(state / "signing.pub"),
        )
        peer.alias = "1"
        yield platform


async def start(client: httpx.AsyncClient, **wanted: Any) -> str:
    answer = await client.post(f"/models/{NAME}/rollouts", json={"reason": "to see", **wanted})
    assert answer.status_code == 202, answer.text
    rollout: str = answer.json()["id"]
    return rollout


async def completed(client: httpx.AsyncClient, rollout: str) -> dict[str, Any]:
    """The rollout, once it is over."""
    seen: list[dict[str, Any]] = []

    async def is_over() -> bool:
        answer = await client.get(f"/models/{NAME}/rollouts/{rollout}")
        seen.append(answer.json())
        return seen[-1]["finished_at"] is not None

    await eventually(is_over)
    return seen[-1]


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_rollout_ends_as_without(
    platform: Platform, moment: str, after: bool
) -> None:
    fits, ending = MOMENTS[moment]
    peer = platform.peer
    canary = BADLY if ending is WENT_BACK else WELL
    peer.counts = {"champion": WELL, "shadow": WELL, "canary": canary}
    peer.hold = hold = Hold(fits, after=after)
    async with platform.serving() as (process, client):
        rollout = await start(client, version=2, plan=PLAN, gates=GATES)
        await hold.reached.wait()
        process.signal(signal.SIGKILL)
        await process.ended()
    hold.release.set()
    async with platform.serving() as (_, client):
        done = await completed(client, rollout)
    assert done["state"] == ending.state
    asked = [roles for roles, _ in groupby(each.roles for each in peer.deployments)]
    assert asked == ending.deployments
    generations = [each.generation for each in peer.deployments]
    assert generations == sorted(set(generations))
    assert peer.alias == ending.alias
    async with platform.database.connection() as connection:
        history = await read_history(connection, "default", NAME, 2, limit=200)
    assert [event.type for event in history] == ending.events
    assert (await history_check.verify(platform.database, platform.keys)).is_sound
    assert await history_check.compare(platform.database) == []
