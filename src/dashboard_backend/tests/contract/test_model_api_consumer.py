"""The gateway as a consumer of model_api: the real gateway against Pact's mock of the service.

The contract is the committed `contracts/pacts/dashboard_backend--model_api.json`. After a change of
the interactions, write it anew:

    REFRESH_CONTRACTS=1 pytest src/dashboard_backend/tests/contract/test_model_api_consumer.py
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pact import Pact, match

from dashboard_backend.settings import Settings
from dashboard_backend.tests.contract.model_api_interactions import INTERACTIONS, Interaction
from dashboard_backend.tests.support.gateway import running

COMMITTED = Path(__file__).parents[4] / "contracts" / "pacts" / "dashboard_backend--model_api.json"


def declare(pact: Pact, interaction: Interaction) -> None:
    """Tell Pact of one interaction, with what the gateway adds to every call."""
    told = pact.upon_receiving(interaction.description)
    for name, parameters in interaction.states:
        told.given(name, parameters)
    told.with_request(interaction.method, interaction.path)
    for name, value in interaction.query.items():
        told.with_query_parameter(name, value)
    told.with_header("Authorization", match.regex("Bearer x.y.z", regex="^Bearer .+$"))
    told.with_header("X-Request-Id", match.regex("request-1", regex="^[A-Za-z0-9._-]{1,64}$"))
    told.with_header("X-Request-Deadline-Ms", match.regex("2000", regex="^[1-9][0-9]*$"))
    told.with_header(
        "traceparent",
        match.regex(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            regex="^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        ),
    )
    for name, value in interaction.fields.items():
        told.with_header(name, value)
    if interaction.body is not None:
        told.with_body(interaction.body, "application/json")
    told.will_respond_with(interaction.status)
    for name, value in interaction.answer_fields.items():
        told.with_header(name, value)
    if interaction.answer is not None:
        refused = interaction.status >= 400
        told.with_body(
            interaction.answer, "application/problem+json" if refused else "application/json"
        )


@pytest.fixture
def pact() -> Pact:
    pact = Pact("dashboard_backend", "model_api").with_specification("V4")
    for interaction in INTERACTIONS:
        declare(pact, interaction)
    return pact


def normalised(text: str) -> Any:
    """A contract without the order of its interactions and the version of the tool."""
    contract = json.loads(text)
    contract["interactions"].sort(key=lambda each: each["description"])
    contract["metadata"] = {"pactSpecification": contract["metadata"]["pactSpecification"]}
    return contract


async def test_gateway_keeps_to_the_contract(pact: Pact, settings: Settings) -> None:
    with pact.serve("127.0.0.1") as service:
        url = str(service.url)
        async with running(replace(settings, model_api_url=url)) as gateway:
            for interaction in INTERACTIONS:
                came = await gateway.client.request(
                    interaction.method,
                    f"/api/model_api{interaction.path}",
                    params=interaction.query,
                    json=interaction.body,
                    headers=gateway.bearer() | dict(interaction.fields),
                )
                assert came.status_code == interaction.status, (interaction, came.text)
                if interaction.answer is None:
                    assert came.content == b""
                else:
                    assert set(came.json()) == set(interaction.answer)
                for name in interaction.answer_fields:
                    assert name in came.headers


def test_committed_contract_is_what_the_gateway_keeps_to(pact: Pact, tmp_path: Path) -> None:
    pact.write_file(tmp_path)
    (file,) = tmp_path.glob("*.json")
    contract = normalised(file.read_text("utf-8"))
    if os.environ.get("REFRESH_CONTRACTS"):
        COMMITTED.parent.mkdir(parents=True, exist_ok=True)
        COMMITTED.write_text(json.dumps(contract, indent=2, sort_keys=True) + "\n", "utf-8")
    assert contract == normalised(COMMITTED.read_text("utf-8"))
