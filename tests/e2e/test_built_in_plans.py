"""The plans that come with `bartizan rollout`: the platform can do what they say."""

import json
from typing import Any

import httpx

from e2e.journey import SHIPPED, Registry, rollout
from e2e.running_platform import Platform
from e2e.traffic import traffic


async def test_the_quick_plan_makes_a_champion_under_a_little_traffic(
    platform: Platform, api: httpx.AsyncClient, copies: tuple[int, int]
) -> None:
    registry, candidate = Registry(api), copies[0]
    await registry.make_champion(SHIPPED)
    quick = await _begun_and_undone(platform, registry, candidate, "--plan", "quick")
    gates = quick["gates"]
    # Two that are alike differ in their slowest answers by chance where the machine is busy.
    gates["latency_ratio"]["maximum"] = 1_000.0
    async with traffic(api) as sent:
        begun = await registry.begin(candidate, plan=quick["plan"], gates=gates)
        ended = await registry.reaches(begun, "completed", seconds=90)
    assert ended["state"] == "completed", ended
    sent.assert_all_answered()
    assert await registry.champion() == candidate
    # Every gate has its say but that of the feedback: nobody gave any, and nobody has to.
    assert await registry.events(candidate, begun) == [
        "RolloutStarted",
        "VersionStaged",
        "ShadowStarted",
        *["GatePassed"] * 4,
        "CanaryStarted",
        *["GatePassed"] * 3,
        "Promoted",
    ]
    await registry.make_champion(SHIPPED)


async def test_without_a_plan_the_standard_one_begins(
    platform: Platform, api: httpx.AsyncClient, copies: tuple[int, int]
) -> None:
    shown = " ".join(platform.tool("rollout", "--help").stdout.split())
    assert "[default: standard]" in shown
    standard = await _begun_and_undone(platform, Registry(api), copies[0])
    stages = [each["stage"] for each in standard["plan"]]
    assert stages == ["shadow", "canary", "canary", "canary"]


async def _begun_and_undone(
    platform: Platform, registry: Registry, version: int, *options: str
) -> dict[str, Any]:
    """A rollout as it stood in its shadow, where it stays as long as nobody sends anything."""
    champion = await registry.champion()
    begun = rollout(platform, version, *options, "--detach", "--json")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    rollout_id = json.loads(begun.stdout)["id"]
    try:
        seen = await registry.reaches(rollout_id, "shadow")
    finally:
        undone = platform.tool("rollback")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert seen["state"] == "shadow"
    assert (await registry.rollout(rollout_id))["state"] == "rolled_back"
    assert await registry.champion() == champion
    return seen
