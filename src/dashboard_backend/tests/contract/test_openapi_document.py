"""The OpenAPI document: fresh in `contracts/`, served, and kept to under fuzzing.

After a change of the routes, write it anew:

    REFRESH_CONTRACTS=1 pytest src/dashboard_backend/tests/contract/test_openapi_document.py
"""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from dashboard_backend.app import openapi_document
from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.gateway import Gateway, running

type AnyCase = schemathesis.Case[Any]

COMMITTED = Path(__file__).parents[4] / "contracts" / "openapi" / "dashboard_backend.json"
EXAMPLES = 60


def test_committed_document_is_fresh() -> None:
    if os.environ.get("REFRESH_CONTRACTS"):
        COMMITTED.parent.mkdir(parents=True, exist_ok=True)
        COMMITTED.write_bytes(openapi_document())
    assert openapi_document() == COMMITTED.read_bytes()


def test_every_operation_is_named_and_every_refusal_is_a_problem() -> None:
    document = json.loads(openapi_document())
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) == 8
    for operation in operations:
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]
    assert document["components"]["schemas"]["KeyCreate"]["additionalProperties"] is False


async def test_served_document_is_the_same(gateway: Gateway) -> None:
    served = await gateway.client.get("/schema/openapi.json")
    assert served.content == openapi_document()
    assert served.headers["content-type"] == "application/json"


async def test_routes_keep_to_the_document_under_fuzzing(settings: Settings) -> None:
    roomy = replace(settings, requests_per_minute=1_000_000, failures_per_minute=1_000_000)
    async with running(roomy) as gateway:
        await asyncio.to_thread(fuzz, gateway)
        # The administrator's key has lived through it.
        assert (await gateway.client.get("/keys", headers=gateway.bearer())).is_success


def breaks_a_rule_beyond_schemas(response: Response) -> bool:
    """Whether it was refused for what no schema can say: a time that has passed, a key reused."""
    if response.status_code != 422:
        return False
    problem = response.json()
    past = [{"pointer": "/expires_at", "message": "must be in the future"}]
    return bool(problem["code"] == "IDEMPOTENCY_KEY_REUSED" or problem.get("errors") == past)


def fuzz(gateway: Gateway) -> None:
    """Send generated requests to each operation, in a thread of its own; checks the answers."""
    schema = schemathesis.openapi.from_dict(json.loads(openapi_document()))
    url = f"http://127.0.0.1:{gateway.port}"
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @bounds(
            max_examples=EXAMPLES,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_as_documented(case: AnyCase) -> None:
            response = case.call(base_url=url, headers=gateway.bearer())
            unspoken = breaks_a_rule_beyond_schemas(response)
            excluded: list[Any] = [positive_data_acceptance] if unspoken else []
            case.validate_response(response, excluded_checks=excluded)

        answers_as_documented()
