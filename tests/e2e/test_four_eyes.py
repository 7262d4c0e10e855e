"""Where the policy asks for four eyes, nobody makes a version champion alone."""

from collections.abc import AsyncIterator

import httpx
import pytest

from e2e.gateway import client
from e2e.journey import MODEL, TRAINING, Registry
from e2e.keys import create_key
from e2e.running_platform import Platform

POLICY = f"{TRAINING}/models/{MODEL}/promotion-policy"


@pytest.fixture
async def four_eyes(api: httpx.AsyncClient) -> AsyncIterator[None]:
    """The policy for one test."""
    await _set(api, four_eyes=True)
    yield
    await _set(api, four_eyes=False)


async def test_who_asks_for_a_promotion_cannot_approve_it_and_another_can(
    platform: Platform,
    api: httpx.AsyncClient,
    champions: tuple[int, int],
    four_eyes: None,
) -> None:
    former, candidate = champions
    first, second = [
        await create_key(platform, ["models:promote", "models:read", "audit:read"])
        for _ in range(2)
    ]
    async with client(platform, first.token) as one, client(platform, second.token) as other:
        registry = Registry(one)
        rollout = await registry.begin(candidate, plan=[], gates={}, accept_worse=True)
        waiting = await registry.reaches(rollout, "awaiting_approval")
        assert waiting["state"] == "awaiting_approval"

        alone = await _order(one, rollout, "approve")
        assert alone.status_code == 403
        assert alone.headers["content-type"].startswith("application/problem+json")
        problem = alone.json()
        assert problem["type"] == "/problems/second-person-needed"
        assert problem["detail"]
        # Nor does it help to leave out what is left of the plan.
        await _order(one, rollout, "promote")
        assert (await _order(one, rollout, "approve")).status_code == 403
        assert (await registry.rollout(rollout))["state"] == "awaiting_approval"
        assert await registry.champion() == former

        approved = await _order(other, rollout, "approve")
        assert approved.status_code == 200, approved.text
        ended = await registry.reaches(rollout, "completed")
        assert ended["state"] == "completed"
        assert await registry.champion() == candidate

        page = await registry.get(f"/models/{MODEL}/versions/{candidate}/history", limit="200")
        actors = {
            event["type"]: event["actor"]
            for event in page["items"]
            if event["evidence"].get("rollout") == rollout
        }
    assert actors["RolloutStarted"] == first.key.id
    assert actors["ApprovalGiven"] == second.key.id


async def _set(api: httpx.AsyncClient, *, four_eyes: bool) -> None:
    """Whoever changes a policy says which version of it."""
    found = await api.get(POLICY)
    answer = await api.put(
        POLICY,
        json={"four_eyes": four_eyes, "reason": "end to end"},
        headers={"If-Match": found.headers["etag"]},
    )
    assert answer.status_code == 200, answer.text


async def _order(api: httpx.AsyncClient, rollout: str, what: str) -> httpx.Response:
    path = f"{TRAINING}/models/{MODEL}/rollouts/{rollout}/{what}"
    return await api.post(path, json={"reason": "end to end"})
