"""Whatever is killed at whichever step of a rollout, it ends in the same state as without."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from e2e.champions import Trained
from e2e.copies import kept_bundles
from e2e.faults import kill_now, paused, restarted
from e2e.gateway import client
from e2e.journey import SHIPPED, Plan, Registry, short_plan
from e2e.running_platform import Platform, Unit
from e2e.traffic import traffic
from e2e.waiting import until

KILLED = ("training", "training-worker", "model_api")
STAGED: Plan = []
"""No step at all: such a rollout ends once every replica has loaded the version."""
SHADOWED = short_plan()
GROWING: Plan = [
    {"stage": "canary", "weight": 0.25, "predictions": 30},
    # Long enough to be seen and killed in, though traffic goes on.
    {"stage": "canary", "weight": 0.75, "predictions": 120},
]
STEPS = {
    "shadow": (SHADOWED, "shadow", 0),
    "canary": (GROWING, "canary", 0),
    "larger canary": (GROWING, "canary", 1),
    "promotion": (STAGED, "promoting", 0),
}
"""By name, a plan, and the state and the step in which the rollout then is."""

RATE = 30


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Rollouts in which nobody is killed, one a plan."""

    platform: Platform
    key: str
    trained: Trained
    seen: dict[str, list[str]] = field(default_factory=dict)

    async def events(self, plan: Plan) -> list[str]:
        """What happens to a version in a rollout by this plan."""
        name = str(plan)
        if name not in self.seen:
            self.seen[name] = await self._roll_out(plan)
        return self.seen[name]

    async def _roll_out(self, plan: Plan) -> list[str]:
        async with client(self.platform, self.key) as api, traffic(api, rate=RATE):
            registry = Registry(api)
            _, candidate = await registry.changing_places(SHIPPED, self.trained.good_version)
            rollout = await registry.begin(candidate, accept_worse=True, plan=plan)
            assert (await registry.reaches(rollout, "completed"))["state"] == "completed"
            events = await registry.events(candidate, rollout)
        assert events.count("Promoted") == 1
        assert events.count("CanaryStarted") == [each["stage"] for each in plan].count("canary")
        return events


@pytest.fixture(scope="module")
def undisturbed(platform: Platform, key: str, trained: Trained) -> Undisturbed:
    return Undisturbed(platform, key, trained)


@pytest.mark.parametrize("killed", KILLED)
@pytest.mark.parametrize("where", ["download", "self-test"])
async def test_a_kill_while_the_guard_stages_a_version_changes_nothing(
    platform: Platform,
    api: httpx.AsyncClient,
    undisturbed: Undisturbed,
    unloaded: int,
    where: str,
    killed: str,
) -> None:
    """What was half fetched is fetched again; what was half checked is checked again."""
    registry, kept = Registry(api), kept_bundles(platform)
    events = await undisturbed.events(STAGED)
    former = await registry.champion()
    victim = platform.status().unit(killed)
    async with traffic(api, rate=RATE) as sent:
        if where == "download":
            # Nothing of the bundle comes while the store stands still.
            with paused(platform, "s3"):
                rollout = await registry.begin(unloaded, accept_worse=True, plan=STAGED)
                await _is_fetched(registry, unloaded)
                kill_now(victim)
        else:
            checked = asyncio.create_task(asyncio.to_thread(_kill_while_checked, victim, kept))
            rollout = await registry.begin(unloaded, accept_worse=True, plan=STAGED)
            await checked
        ended = await registry.reaches(rollout, "completed", seconds=120)
        await restarted(platform, victim)
    assert ended["state"] == "completed", ended["ending"]
    await _assert_promoted(registry, former, unloaded, rollout, events)
    assert _halves(kept) == []
    assert sent.unrecorded == []
    if killed != "model_api":
        sent.assert_all_answered()


@pytest.mark.parametrize("killed", KILLED)
@pytest.mark.parametrize("where", STEPS)
async def test_a_kill_changes_nothing_about_a_rollout(
    platform: Platform,
    api: httpx.AsyncClient,
    trained: Trained,
    undisturbed: Undisturbed,
    where: str,
    killed: str,
) -> None:
    registry, (plan, state, step) = Registry(api), STEPS[where]
    events = await undisturbed.events(plan)
    former, candidate = await registry.changing_places(SHIPPED, trained.good_version)
    victim = platform.status().unit(killed)
    async with AsyncExitStack() as asked:
        with _promotions_held(platform) if state == "promoting" else nullcontext():
            rollout = await registry.begin(candidate, accept_worse=True, plan=plan)
            if step > 0:
                sent = await asked.enter_async_context(traffic(api, rate=RATE))
            seen = await registry.reaches(rollout, state, step=step)
            assert seen["state"] == state, "the step was over before it was seen"
            if step == 0:
                # Not before: what the step waits for does not come while nobody asks.
                sent = await asked.enter_async_context(traffic(api, rate=RATE))
                await sent.more_answers(1)
            kill_now(victim)
        ended = await registry.reaches(rollout, "completed", seconds=120)
        await restarted(platform, victim)
    assert ended["state"] == "completed", ended["ending"]
    await _assert_promoted(registry, former, candidate, rollout, events)
    assert sent.unrecorded == []
    if killed != "model_api":
        sent.assert_all_answered()


@pytest.mark.parametrize("killed", KILLED)
async def test_a_kill_changes_nothing_about_a_rollback_at_the_gate(
    platform: Platform, api: httpx.AsyncClient, trained: Trained, killed: str
) -> None:
    registry = Registry(api)
    champion = await registry.champion()
    victim = platform.status().unit(killed)
    async with traffic(api, rate=RATE):
        rollout = await registry.begin(
            trained.bad_version, accept_worse=True, plan=short_plan(predictions=10_000)
        )
        seen = await registry.reaches(rollout, "rolling_back")
        kill_now(victim)
        assert seen["state"] == "rolling_back", "it had gone back before that was seen"
        ended = await registry.reaches(rollout, "rolled_back", seconds=120)
        await restarted(platform, victim)
    assert (ended["state"], ended["ending"]["cause"]) == ("rolled_back", "gate")
    assert await registry.champion() == champion
    assert await registry.state(trained.bad_version) == "rolled_back"
    await _assert_guard_follows(registry, champion)


@contextmanager
def _promotions_held(platform: Platform) -> Iterator[None]:
    """None ends while MLflow stands still: its alias is moved before a promotion counts."""
    with paused(platform, "mlflow"):
        yield


async def _is_fetched(registry: Registry, version: int) -> None:
    """Returns once a replica says that it loads the version."""

    async def loading() -> bool:
        replicas = (await registry.deployment())["replicas"]
        return any(
            (each["version"], each["state"]) == (str(version), "loading")
            for replica in replicas
            for each in replica["versions"]
        )

    await until(loading, f"version {version} is loaded by the guard")


def _kill_while_checked(victim: Unit, kept: Path) -> None:
    """Fetched bundles are written aside, and come into their place when they are found sound."""
    deadline = time.monotonic() + 60
    while not _halves(kept):
        assert time.monotonic() < deadline, "no bundle was seen before it was in its place"
        time.sleep(0.001)
    kill_now(victim)
    if victim.name == "model_api":
        assert _halves(kept), "the check was over before it was interrupted"


def _halves(kept: Path) -> list[Path]:
    return list(kept.glob(".incoming-*"))


async def _assert_promoted(
    registry: Registry, former: int, champion: int, rollout: str, events: list[str]
) -> None:
    assert await registry.champion() == champion
    assert await registry.state(former) == "retired"
    assert await registry.state(champion) == "champion"
    assert await registry.events(champion, rollout) == events
    await _assert_guard_follows(registry, champion)


async def _assert_guard_follows(registry: Registry, champion: int) -> None:
    desired = (await registry.deployment())["desired"]
    assert desired["champion"]["version"] == str(champion)
    assert desired["canary"] is None

    async def followed() -> bool:
        """By every replica; one that was killed counts as one for a while."""
        replicas = (await registry.deployment())["replicas"]
        return {each["generation"] for each in replicas} == {desired["generation"]}

    await until(followed, "the guard does as it was told")
