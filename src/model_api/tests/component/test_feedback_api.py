"""/feedback: what people say a prediction should have been."""

from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from model_api.tests.support.api import ATTACK, Api, assert_problem


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_an_anonymous_caller_is_refused(api: Api, method: str) -> None:
    assert_problem(await api.anonymous(method, "/feedback"), 401, "UNAUTHENTICATED")


async def test_feedback_is_stored_and_read_back(api: Api) -> None:
    prediction_id = await _prediction(api)

    made = await _give(api, prediction_id, label="benign", note="a quotation")

    assert made.status_code == 201
    listed = await api.call("GET", "/feedback", params={"prediction_id": prediction_id})
    told = {**made.json(), "superseded": False, "text": None, "text_missing": None}
    assert listed.json() == {"items": [told], "next_cursor": None}
    assert made.json()["label"] == "benign"
    assert made.json()["note"] == "a quotation"


async def test_it_is_audited_and_announced_without_its_note(
    api: Api, rows: asyncpg.Connection
) -> None:
    await _give(api, await _prediction(api), note="Ann said so")

    entries = await rows.fetch("SELECT action, actor FROM audit_log WHERE tenant = $1", api.tenant)
    assert [tuple(row) for row in entries] == [("feedback.added", f"key-of-{api.tenant}")]
    events = await rows.fetch(
        "SELECT * FROM outbox WHERE tenant = $1 AND type LIKE '%feedback%'", api.tenant
    )
    assert len(events) == 1
    assert "Ann" not in repr(events)


async def test_a_repetition_under_the_same_key_is_stored_once(api: Api) -> None:
    prediction_id = await _prediction(api)
    key = {"Idempotency-Key": "once-1"}

    first = await _give(api, prediction_id, headers=key)
    second = await _give(api, prediction_id, headers=key)
    other = await _give(api, prediction_id, headers=key, label="benign")

    assert first.json() == second.json()
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    listed = await api.call("GET", "/feedback", params={"prediction_id": prediction_id})
    assert len(listed.json()["items"]) == 1


async def test_a_prediction_of_another_tenant_is_unknown(api: Api) -> None:
    prediction_id = await _prediction(api)

    refused = await _give(api, prediction_id, tenant=api.stranger)
    assert_problem(refused, 404, "PREDICTION_NOT_FOUND")
    assert_problem(await _give(api, str(uuid7())), 404, "PREDICTION_NOT_FOUND")
    parameters = {"prediction_id": prediction_id}
    listed = await api.call("GET", "/feedback", tenant=api.stranger, params=parameters)
    assert listed.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"label": "unsure"}, "/label"),
        ({"note": "n" * 2_001}, "/note"),
        ({"note": "a\x00b"}, "/note"),
        ({"prediction_id": "nonsense"}, "/prediction_id"),
        ({"score": 1}, ""),
    ],
)
async def test_what_does_not_fit_is_pointed_to(
    api: Api, change: dict[str, object], pointer: str
) -> None:
    body = {"prediction_id": str(uuid7()), "label": "attack", **change}

    problem = assert_problem(
        await api.call("POST", "/feedback", json=body), 422, "VALIDATION_FAILED"
    )

    assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize("key", ["", "two words", "k" * 256])
async def test_a_malformed_idempotency_key_is_refused(api: Api, key: str) -> None:
    answer = await _give(api, str(uuid7()), headers={"Idempotency-Key": key})

    assert_problem(answer, 400, "MALFORMED_REQUEST")


async def _prediction(api: Api) -> str:
    prediction_id: str = (await api.predict(text=ATTACK))["predictions"][0]["id"]
    await api.stored(prediction_id)
    return prediction_id


async def _give(
    api: Api, prediction_id: str, *, label: str = "attack", note: str | None = None, **call: Any
) -> Any:
    body = {"prediction_id": prediction_id, "label": label, "note": note}
    return await api.call("POST", "/feedback", json=body, **call)
