"""The way of a model, from a file to champion, as the terminal tool and the API offer it."""

import asyncio
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from e2e.running_platform import Platform
from e2e.waiting import until

TRAINING = "/api/training"
MODEL = "detector"
SHIPPED = 1
"""The version of the detector that comes with the platform."""

GATES = {
    "error_rate": {"maximum": 0.01},
    "disagreement": {"maximum": 0.2},
    "block_rate_shift": {"maximum": 0.2},
}
WINDOW_SECONDS = 15
type Plan = list[dict[str, Any]]

FINAL = ("completed", "rolled_back", "failed")


def gates(minimum: int = 20) -> dict[str, Any]:
    """Gates that see enough in a few seconds of a test's traffic."""
    return {
        name: {**gate, "window_seconds": WINDOW_SECONDS, "minimum_predictions": minimum}
        for name, gate in GATES.items()
    }


def short_plan(predictions: int = 30) -> Plan:
    """A shadow and a canary that last some seconds of a test's traffic."""
    return [
        {"stage": "shadow", "predictions": predictions},
        {"stage": "canary", "weight": 0.5, "predictions": predictions},
    ]


def write_plan(file: Path, predictions: int = 30) -> Path:
    """The same for the terminal tool."""
    plan = {"plan": short_plan(predictions), "gates": gates(), "sticky_by": "session"}
    file.write_bytes(msgspec.json.encode(plan))
    return file


def train(platform: Platform, file: Path, *options: str) -> dict[str, Any]:
    """`bartizan train`, to its end; what it prints as JSON."""
    result = platform.tool("train", str(file), "--json", *options, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    found: dict[str, Any] = msgspec.json.decode(result.stdout)
    return found


def rollout(platform: Platform, version: int, *options: str) -> subprocess.CompletedProcess[str]:
    """`bartizan rollout`, to its end; its exit status is the caller's to judge."""
    return platform.tool("rollout", str(version), *options, timeout=240)


@dataclass(frozen=True, slots=True)
class Registry:
    """The models, by the API."""

    api: httpx.AsyncClient

    async def get(self, path: str, *, service: str = TRAINING, **query: str) -> dict[str, Any]:
        """An answer; while a service comes back, what it takes to get one."""

        async def answered() -> httpx.Response | None:
            try:
                answer = await self.api.get(f"{service}{path}", params=query)
            except httpx.TransportError:
                return None
            return None if answer.status_code in (502, 503, 504) else answer

        answer = await until(answered, f"{path} is answered", seconds=60)
        assert answer is not None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def champion(self) -> int:
        """The version that answers."""
        return int((await self.get(f"/models/{MODEL}"))["champion"])

    async def state(self, version: int) -> str:
        """Where a version stands."""
        return str((await self.get(f"/models/{MODEL}/versions/{version}"))["state"])

    async def events(self, version: int, rollout_id: str) -> list[str]:
        """What happened to a version in one rollout, in order."""
        page = await self.get(f"/models/{MODEL}/versions/{version}/history", limit="200")
        return [
            event["type"]
            for event in page["items"]
            if event["evidence"].get("rollout") == rollout_id
        ]

    async def deployment(self) -> dict[str, Any]:
        """What the guard itself says: what was asked for, and what its replicas hold."""
        return await self.get(f"/models/{MODEL}/deployment", service="/api/model_api")

    async def begin(self, version: int, **wishes: Any) -> str:
        """Begins a rollout; its id."""
        body = {
            "version": version,
            "plan": short_plan(),
            "gates": gates(),
            "reason": "end to end",
            **wishes,
        }
        answer = await self.api.post(f"{TRAINING}/models/{MODEL}/rollouts", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def rollout(self, rollout_id: str) -> dict[str, Any]:
        """A rollout as it stands."""
        return await self.get(f"/models/{MODEL}/rollouts/{rollout_id}")

    async def make_champion(self, version: int) -> None:
        """By the shortest way, if it is not champion already."""
        if await self.champion() == version:
            return
        rollout = await self.begin(version, plan=[], gates={}, accept_worse=True)
        ended = await self.reaches(rollout, "completed")
        assert ended["state"] == "completed", ended["ending"]

    async def changing_places(self, one: int, other: int) -> tuple[int, int]:
        """The champion, and that of the two versions which it is not."""
        champion = await self.champion()
        return champion, one if champion == other else other

    async def unloaded(self, versions: Sequence[int], folder: Path) -> int:
        """One of the versions that the guard has not loaded, once `folder` no longer keeps it."""
        held = {
            each["version"]
            for replica in (await self.deployment())["replicas"]
            for each in replica["versions"]
        }
        version = next(each for each in versions if str(each) not in held)
        digest = (await self.get(f"/models/{MODEL}/versions/{version}"))["digest"]
        copy = folder / digest.removeprefix("sha256:")

        async def gone() -> bool:
            return not copy.exists()

        await until(gone, f"version {version} has left the guard's disk")
        return version

    async def reaches(
        self, rollout_id: str, *states: str, step: int = 0, seconds: float = 60
    ) -> dict[str, Any]:
        """The rollout once it is in one of the states, in this step of its plan or a later one, or
        over. Looks often where it may be a short one."""
        deadline = time.monotonic() + seconds
        pause = 0.2 if set(states) <= set(FINAL) else 0.02
        while True:
            found = await self.rollout(rollout_id)
            if found["state"] in FINAL or (found["state"] in states and found["step"] >= step):
                return found
            assert time.monotonic() < deadline, f"still {found['state']}: {found['waiting_for']}"
            await asyncio.sleep(pause)
