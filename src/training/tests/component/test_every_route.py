"""What holds for every route, whichever area it is of: taken from the OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from training.api.problem_kinds import CATALOGUE
from training.app import describe
from training.main import VERSION
from training.tests.support.api import Api, assert_problem

DOCUMENT = json.loads(describe(VERSION))
AN_ID = "018f0000-0000-7000-8000-000000000000"
JSON = "application/json"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, a path with something in place of its parameters, and what is said of it."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            schemas = {
                each["name"]: each["schema"]
                for each in operation.get("parameters", [])
                if each["in"] == "path"
            }
            place = path
            for name, schema in schemas.items():
                place = place.replace(f"{{{name}}}", _example(schema))
            yield method.upper(), place, operation


def _example(schema: dict[str, Any]) -> str:
    if schema["type"] == "integer":
        return "1"
    return AN_ID if schema.get("format") == "uuid" else "nothing"


def named(found: list[tuple[str, str, dict[str, Any]]]) -> Any:
    """Cases for pytest, under the names of the operations."""
    return [pytest.param(*each, id=each[2]["operationId"]) for each in found]


GUARDED = [each for each in operations() if "security" in each[2]]
PUBLIC = [each for each in operations() if "security" not in each[2]]
TAKING_JSON = [
    each for each in GUARDED if JSON in each[2].get("requestBody", {}).get("content", {})
]


async def test_the_document_is_served(api: Api) -> None:
    served = (await api.anonymous("GET", "/schema/openapi.json")).json()

    assert served == json.loads(describe(served["info"]["version"]))


def test_only_these_are_public() -> None:
    assert {operation["operationId"] for _, _, operation in PUBLIC} == {
        "explain_problem",
        "get_health",
        "get_jwks",
    }


@pytest.mark.parametrize(("method", "path", "operation"), named(GUARDED))
async def test_strangers_and_the_unprivileged_are_refused(
    api: Api, method: str, path: str, operation: dict[str, Any]
) -> None:
    stranger = await api.anonymous(method, path)
    answer = await api.call(method, path, scope="none:of-these")
    if method == "HEAD":
        # Which has no body to say more in.
        assert (stranger.status_code, answer.status_code) == (401, 403)
        return
    assert_problem(stranger, 401, "UNAUTHENTICATED")

    problem = assert_problem(answer, 403, "FORBIDDEN")
    assert operation["x-required-scope"] in problem["detail"]


@pytest.mark.parametrize(("method", "path", "operation"), named(GUARDED))
async def test_a_query_parameter_that_no_route_knows_is_refused(
    api: Api, method: str, path: str, operation: dict[str, Any]
) -> None:
    parameters = [each for each in operation.get("parameters", []) if each["in"] == "query"]
    query = {"reasn": "misspelt"}

    answer = await api.call(method, path, params=query, tenant="default")

    if method == "HEAD":
        assert answer.status_code == 400
        return
    problem = assert_problem(answer, 400, "MALFORMED_REQUEST")
    wrong = {each["pointer"][1:]: each["message"] for each in problem["errors"]}
    assert all(each["name"] in wrong["reasn"] for each in parameters)
    assert set(wrong) == {"reasn"} | {each["name"] for each in parameters if each["required"]}


@pytest.mark.parametrize(("method", "path", "operation"), named(TAKING_JSON))
async def test_bodies_that_are_none_are_refused(
    api: Api, method: str, path: str, operation: dict[str, Any]
) -> None:
    # The platform's tenant: what others may not do is refused before the body is read.
    headers = {"Content-Type": JSON, "If-Match": "*"}
    for body, status, code in (
        (b"{", 400, "MALFORMED_BODY"),
        (b"[1]", 422, "VALIDATION_FAILED"),
        (b'{"no_such_field": 1}', 422, "VALIDATION_FAILED"),
    ):
        answer = await api.call(method, path, tenant="default", content=body, headers=headers)
        assert_problem(answer, status, code)
    headers["Content-Type"] = "text/xml"
    answer = await api.call(method, path, tenant="default", content=b"<a/>", headers=headers)
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(("method", "path", "operation"), named(GUARDED + PUBLIC))
async def test_what_a_route_answers_is_documented(
    api: Api, method: str, path: str, operation: dict[str, Any]
) -> None:
    answer = await api.call(method, path)

    assert answer.status_code < 500
    assert str(answer.status_code) in operation["responses"], answer.text


async def test_every_problem_is_explained(api: Api) -> None:
    for kind in CATALOGUE.values():
        explained = (await api.anonymous("GET", kind.type)).json()
        assert (explained["code"], explained["status"]) == (kind.code, kind.status)
    assert_problem(await api.anonymous("GET", "/problems/none-such"), 404, "NOT_FOUND")
