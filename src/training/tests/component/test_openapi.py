"""The OpenAPI document tells what the code does."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from training.app import describe
from training.main import VERSION

CONTRACT = Path("contracts/openapi/training.json")


@pytest.fixture(scope="module")
def document() -> Any:
    return msgspec.json.decode(describe(VERSION))


def test_the_contract_is_fresh() -> None:
    assert CONTRACT.read_bytes() == describe(VERSION), (
        "run `training openapi > contracts/openapi/training.json`"
    )


def test_every_operation_has_an_id_a_description_and_problems(document: Any) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}


def test_bodies_are_closed(document: Any) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                if name:
                    assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_every_reference_resolves(document: Any) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, list):
            return [found for each in node for found in references(each)]
        if not isinstance(node, dict):
            return []
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for each in node.values() for found in references(each)]

    found = references(document)

    assert found
    for reference in found:
        prefix, name = reference.rsplit("/", 1)
        assert prefix == "#/components/schemas"
        assert name in document["components"]["schemas"]


def test_schemas_are_named_by_what_they_are_not_by_where_their_code_is(document: Any) -> None:
    assert [name for name in document["components"]["schemas"] if "." in name] == []
