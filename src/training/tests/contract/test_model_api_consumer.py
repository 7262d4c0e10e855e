"""Rollouts as a consumer of model_api: the real client against Pact's mock of the service.

The contract is the committed `contracts/pacts/training--model_api.json`. After a change of the
interactions, write it anew:

    REFRESH_CONTRACTS=1 pytest src/training/tests/contract/test_model_api_consumer.py
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pact import Pact, match

from training.adapters.rollout.guard_client import DeploymentStale, GuardClient
from training.domain.rollout.deployment import ReplicaVersionState, Wish
from training.tests.contract.feedback_interactions import FEEDBACK
from training.tests.contract.model_api_interactions import (
    ASKED,
    INTERACTIONS,
    METRICS,
    MODEL,
    SINCE,
    STAGED,
    STALE,
    STATES,
    Interaction,
)

COMMITTED = Path(__file__).parents[4] / "contracts" / "pacts" / "training--model_api.json"


def declare(pact: Pact, interaction: Interaction) -> None:
    """Tell Pact of one interaction, with what the client adds to every call."""
    told = pact.upon_receiving(interaction.description)
    for name, parameters in interaction.states:
        told.given(name, parameters)
    told.with_request(interaction.method, interaction.path)
    for name, value in interaction.query.items():
        told.with_query_parameter(name, value)
    told.with_header("Authorization", match.regex("Bearer x.y.z", regex="^Bearer .+$"))
    told.with_header("X-Request-Deadline-Ms", match.regex("2000", regex="^[1-9][0-9]*$"))
    if interaction.body is not None:
        told.with_body(interaction.body, "application/json")
    told.will_respond_with(interaction.status)
    refused = interaction.status >= 400
    told.with_body(
        interaction.answer, "application/problem+json" if refused else "application/json"
    )


def pact_of(*interactions: Interaction) -> Pact:
    """A contract of these alone: of two calls alike the mock could not tell which is meant."""
    pact = Pact("training", "model_api").with_specification("V4")
    for interaction in interactions:
        declare(pact, interaction)
    return pact


@asynccontextmanager
async def calling(*interactions: Interaction) -> AsyncIterator[GuardClient]:
    with pact_of(*interactions).serve("127.0.0.1") as service:
        async with GuardClient(str(service.url), lambda: "x.y.z") as guard:
            yield guard


def wish_of(body: dict[str, Any]) -> Wish:
    return msgspec.convert({**body, "generation": None}, Wish)


@pytest.mark.parametrize("asked", ASKED, ids=lambda each: each.description)
async def test_a_deployment_is_asked_for(asked: Interaction) -> None:
    assert asked.body is not None
    async with calling(asked) as guard:
        await guard.deploy(MODEL, asked.body["generation"], wish_of(asked.body))


async def test_one_that_was_overtaken_is_told_by_whom() -> None:
    async with calling(STALE) as guard:
        with pytest.raises(DeploymentStale) as refusal:
            await guard.deploy(MODEL, STAGED["generation"], wish_of(STAGED))
    assert refusal.value.generation == 5


async def test_the_replicas_are_seen() -> None:
    followed, nothing = STATES
    async with calling(followed) as guard:
        state = await guard.state(MODEL)
    assert (state.generation, state.wish) == (2, wish_of(STAGED))
    assert state.replicas[0].versions[0].state is ReplicaVersionState.READY
    async with calling(nothing) as guard:
        assert (await guard.state(MODEL)).wish is None


async def test_the_counts_are_read() -> None:
    async with calling(METRICS) as guard:
        window = await guard.counts(MODEL, datetime.fromisoformat(SINCE))
    canary = window.of("canary", "2")
    assert canary is not None
    assert (canary.predictions, canary.latency_p95_ms, canary.feedback) == (10, 0.5, 10)


def test_committed_contract_is_what_the_rollouts_keep_to(tmp_path: Path) -> None:
    pact_of(*INTERACTIONS, *FEEDBACK).write_file(tmp_path)
    (file,) = tmp_path.glob("*.json")
    contract = normalised(file.read_text("utf-8"))
    if os.environ.get("REFRESH_CONTRACTS"):
        COMMITTED.write_text(json.dumps(contract, indent=2, sort_keys=True) + "\n", "utf-8")
    assert contract == normalised(COMMITTED.read_text("utf-8"))


def normalised(text: str) -> Any:
    """A contract without the order of its interactions and the version of the tool."""
    contract = json.loads(text)
    contract["interactions"].sort(key=lambda each: each["description"])
    contract["metadata"] = {"pactSpecification": contract["metadata"]["pactSpecification"]}
    return contract
