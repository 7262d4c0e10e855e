"""A training that goes on already is watched, and not begun a second time."""

from typing import Any

import httpx
import pytest

from bartizan.gateway.gateway import Gateway
from bartizan.gateway.training import begin_training

ORDER: dict[str, Any] = {
    "name": "detector",
    "datasets": [{"name": "prompts", "version": 1}],
    "trainer": "linear",
    "parameters": {},
    "seed": 1,
}
DEFAULTS = {"suites": None, "sweep": None, "executor": "local"}


def begun(order: dict[str, Any], **running: Any) -> str:
    """The id of the job that an order leads to, while another one runs."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            new = {"id": "new", "kind": "train", "state": "queued"}
            return httpx.Response(202, json=new)
        old = {
            "id": "old",
            "kind": "train",
            "state": "running",
            "parameters": {**ORDER, **DEFAULTS},
        }
        wanted = request.url.params["state"] == "running"
        return httpx.Response(200, json={"items": [old | running] if wanted else []})

    transport = httpx.MockTransport(answer)
    with httpx.Client(base_url="http://gateway", transport=transport) as client:
        return begin_training(Gateway(client), order).id


def test_the_same_order_finds_its_job() -> None:
    assert begun(ORDER) == "old"


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"suites": ["dev"]}, {"datasets": [{"name": "prompts", "version": 2}]}]
)
def test_another_order_is_a_job_of_its_own(other: dict[str, Any]) -> None:
    assert begun(ORDER | other) == "new"


def test_an_order_for_all_suites_is_not_that_for_one() -> None:
    assert begun(ORDER, parameters={**ORDER, **DEFAULTS, "suites": ["dev"]}) == "new"


def test_an_import_is_no_training() -> None:
    assert begun(ORDER, kind="import") == "new"
