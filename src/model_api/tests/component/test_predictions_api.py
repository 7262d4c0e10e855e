"""/predictions: what was judged, read back by its tenant alone."""

from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from model_api.tests.support.api import ATTACK, BENIGN, Api, assert_problem


@pytest.mark.parametrize("path", ["/predictions", f"/predictions/{uuid7()}"])
async def test_an_anonymous_caller_is_refused(api: Api, path: str) -> None:
    assert_problem(await api.anonymous("GET", path), 401, "UNAUTHENTICATED")


async def test_a_prediction_is_read_back_without_its_text(api: Api) -> None:
    answered = await api.predict(text=ATTACK, session="session-1")
    (prediction,) = answered["predictions"]

    read = await api.call("GET", f"/predictions/{prediction['id']}", scope="predictions:read")

    assert read.status_code == 200
    found = read.json()
    shared = ("id", "decision", "would_be_decision", "spans", "latency_ms", "score")
    assert {key: found[key] for key in shared} == {key: prediction[key] for key in shared}
    assert (found["model"], found["policy"]) == (answered["model"], answered["policy"])
    assert (found["text"], found["session"]) == (None, "session-1")
    assert found["key_id"] == f"key-of-{api.tenant}"
    assert found["text_length"] == len(ATTACK)


async def test_the_text_is_kept_where_the_policy_says_so(api: Api) -> None:
    await api.create_policy(name="keeping", store_text=True)

    predictions = (await api.predict(texts=[BENIGN, ATTACK], policy="keeping", subject="person-7"))[
        "predictions"
    ]

    for prediction, text in zip(predictions, (BENIGN, ATTACK), strict=True):
        read = await api.call("GET", f"/predictions/{prediction['id']}")
        assert read.json()["text"] == text
    listed = (await api.call("GET", "/predictions")).json()["items"]
    assert [item["text"] for item in listed] == [None, None]


async def test_another_tenant_finds_nothing(api: Api) -> None:
    (prediction,) = (await api.predict(text=ATTACK))["predictions"]

    answer = await api.call("GET", f"/predictions/{prediction['id']}", tenant=api.stranger)

    assert_problem(answer, 404, "PREDICTION_NOT_FOUND")
    assert (await api.call("GET", "/predictions", tenant=api.stranger)).json()["items"] == []


async def test_an_unknown_prediction_is_not_found(api: Api) -> None:
    assert_problem(await api.call("GET", f"/predictions/{uuid7()}"), 404, "PREDICTION_NOT_FOUND")
    assert_problem(await api.call("GET", "/predictions/nonsense"), 404, "NOT_FOUND")


async def test_pages_hold_every_prediction_once_newest_first(api: Api) -> None:
    made = [(await api.predict(text=BENIGN))["predictions"][0]["id"] for _ in range(5)]

    found: list[str] = []
    parameters: dict[str, object] = {"limit": 2}
    while True:
        page = (await api.call("GET", "/predictions", params=parameters)).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]

    assert found == made[::-1]


async def test_lists_can_be_narrowed(api: Api) -> None:
    await api.predict(texts=[BENIGN, ATTACK, BENIGN])

    async def decisions(**parameters: object) -> list[str]:
        page = (await api.call("GET", "/predictions", params=parameters)).json()
        return [item["decision"] for item in page["items"]]

    now = datetime.now(UTC)
    assert await decisions(decision="block") == ["block"]
    assert await decisions(decision="allow") == ["allow", "allow"]
    assert len(await decisions(since=(now - timedelta(minutes=1)).isoformat())) == 3
    assert await decisions(since=(now + timedelta(minutes=1)).isoformat()) == []


@pytest.mark.parametrize(
    "parameters",
    [{"decision": "maybe"}, {"since": "yesterday"}, {"cursor": "AAAA"}, {"limit": "x"}],
)
async def test_a_list_that_cannot_be_is_refused(api: Api, parameters: dict[str, str]) -> None:
    answer = await api.call("GET", "/predictions", params=parameters)

    assert_problem(answer, 400, "MALFORMED_REQUEST")


async def test_without_a_database_there_is_nothing_to_read(standalone: Api) -> None:
    answer = await standalone.anonymous("GET", "/predictions")

    assert_problem(answer, 503, "STORAGE_UNAVAILABLE")
