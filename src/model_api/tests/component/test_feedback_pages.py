"""GET /feedback: the tenant's feedback page by page, with the texts that were kept."""

from base64 import urlsafe_b64encode
from typing import Any

import asyncpg
import pytest

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.subject_keys import SubjectKeys
from model_api.tests.support.api import ATTACK, BENIGN, Api, assert_problem
from model_api.tests.support.database import TestDatabase

MEBIBYTE = 1 << 20


async def test_pages_follow_each_other_oldest_first(api: Api) -> None:
    (prediction_id,) = await _judged(api, BENIGN)
    given = [await _say(api, prediction_id, "benign", note=str(place)) for place in range(5)]

    first = await _listed(api, limit=2)
    second = await _listed(api, limit=2, cursor=first["next_cursor"])
    third = await _listed(api, limit=2, cursor=second["next_cursor"])

    pages = [first, second, third]
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [each["id"] for page in pages for each in page["items"]] == given
    assert third["next_cursor"] is None


async def test_a_walk_sees_what_was_there_when_it_began(api: Api) -> None:
    one, other = await _judged(api, BENIGN, ATTACK)
    given = [await _say(api, each, "attack") for each in (one, other)]
    first = await _listed(api, limit=1)

    later = await _say(api, other, "benign")
    second = await _listed(api, limit=1, cursor=first["next_cursor"])

    (found,) = second["items"]
    assert (found["id"], found["superseded"]) == (given[1], False)
    assert second["next_cursor"] is None
    assert [(each["id"], each["superseded"]) for each in (await _listed(api))["items"]] == [
        (given[0], False),
        (given[1], True),
        (later, False),
    ]


async def test_the_label_and_the_time_are_asked_for(api: Api) -> None:
    (prediction_id,) = await _judged(api, BENIGN)
    attack = await _say(api, prediction_id, "attack")
    benign = await _say(api, prediction_id, "benign")
    (_, latest) = (await _listed(api))["items"]

    (found,) = (await _listed(api, label="attack"))["items"]
    # It is superseded by an opinion that this list leaves out.
    assert (found["id"], found["superseded"]) == (attack, True)
    (found,) = (await _listed(api, since=latest["created_at"]))["items"]
    assert found["id"] == benign
    assert (await _listed(api, since="2100-01-01T00:00:00Z"))["items"] == []


async def test_texts_come_where_they_were_kept_and_are_asked_for(api: Api) -> None:
    await api.create_policy(name="keeping", store_text=True)
    (kept,) = await _judged(api, ATTACK, policy="keeping")
    (unkept,) = await _judged(api, ATTACK)
    for prediction_id in (kept, unkept):
        await _say(api, prediction_id, "attack")

    unasked = (await _listed(api))["items"]
    assert [(each["text"], each["text_missing"]) for each in unasked] == [(None, None)] * 2
    asked = (await _listed(api, text=True))["items"]
    assert [(each["text"], each["text_missing"]) for each in asked] == [
        (ATTACK, None),
        (None, "not_stored"),
    ]
    stranger = await api.call("GET", "/feedback?text=true", tenant=api.stranger)
    assert stranger.json() == {"items": [], "next_cursor": None}
    for scope in ("feedback:write", "predict policies:read"):
        refused = await api.call("GET", "/feedback?text=true", scope=scope)
        assert_problem(refused, 403, "FORBIDDEN")


async def test_only_the_latest_opinion_brings_the_text(api: Api) -> None:
    await api.create_policy(name="keeping", store_text=True)
    (prediction_id,) = await _judged(api, ATTACK, policy="keeping")
    for label in ("attack", "benign", "attack"):
        await _say(api, prediction_id, label)

    found = (await _listed(api, text=True))["items"]

    assert [(each["superseded"], each["text"]) for each in found] == [
        (True, None),
        (True, None),
        (False, ATTACK),
    ]


async def test_a_person_who_was_forgotten_is_not_in_the_texts(
    api: Api, shared_database: TestDatabase, rows: asyncpg.Connection
) -> None:
    await api.create_policy(name="keeping", store_text=True)
    (forgotten,) = await _judged(api, ATTACK, policy="keeping", subject="ann")
    (other,) = await _judged(api, BENIGN, policy="keeping", subject="bob")
    for prediction_id in (forgotten, other):
        await _say(api, prediction_id, "attack")
    fingerprint = await rows.fetchval(
        "SELECT subject_fingerprint FROM predictions WHERE id = $1", forgotten
    )
    async with Database(shared_database.url, shared_database.password) as database:
        assert await SubjectKeys(database).forget(api.tenant, fingerprint) == 1

    found = (await _listed(api, text=True))["items"]

    assert [(each["text"], each["text_missing"]) for each in found] == [
        (None, "not_stored"),
        (BENIGN, None),
    ]


async def test_a_text_of_another_key_is_unreadable(api: Api, rows: asyncpg.Connection) -> None:
    await api.create_policy(name="keeping", store_text=True)
    (prediction_id,) = await _judged(api, ATTACK, policy="keeping")
    await _say(api, prediction_id, "attack")
    await rows.execute(
        "UPDATE subject_keys SET master_key_id = '\\x00' WHERE tenant = $1", api.tenant
    )

    (found,) = (await _listed(api, text=True))["items"]

    assert (found["text"], found["text_missing"]) == (None, "unreadable")


async def test_a_page_holds_a_mebibyte_of_texts_or_one_that_is_larger(api: Api) -> None:
    await api.create_policy(name="keeping", store_text=True, deadline_ms=60_000)
    texts = ["a" * (MEBIBYTE // 2 - 100), "b" * (MEBIBYTE // 2 - 100), "c" * MEBIBYTE, "d"]
    for prediction_id in await _judged(api, *texts, policy="keeping"):
        await _say(api, prediction_id, "benign")

    pages = [await _listed(api, text=True)]
    while pages[-1]["next_cursor"] is not None:
        pages.append(await _listed(api, text=True, cursor=pages[-1]["next_cursor"]))

    assert [[each["text"][0] for each in page["items"]] for page in pages] == [
        ["a", "b"],
        ["c"],
        ["d"],
    ]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "label=unsure",
        "since=yesterday",
        "since=1",
        "prediction_id=none",
        "text=perhaps",
        "cursor=!",
        f"cursor={urlsafe_b64encode(b'nonsense').decode()}",
        "cursor="
        + urlsafe_b64encode(b"0198c0de-0000-7000-8000-000000000001 1").decode().strip("="),
        "cursor="
        + urlsafe_b64encode(b"0198c0de-0000-7000-8000-000000000001 2026-01-01T00:00:00")
        .decode()
        .strip("="),
    ],
)
async def test_what_cannot_be_meant_is_refused(api: Api, query: str) -> None:
    assert_problem(await api.call("GET", f"/feedback?{query}"), 400, "MALFORMED_REQUEST")


async def _judged(api: Api, *texts: str, **options: str) -> list[str]:
    answered = await api.predict(texts=list(texts), **options)
    found = [each["id"] for each in answered["predictions"]]
    await api.stored(*found)
    return found


async def _say(api: Api, prediction_id: str, label: str, note: str | None = None) -> str:
    body = {"prediction_id": prediction_id, "label": label, "note": note}
    answer = await api.call("POST", "/feedback", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


async def _listed(api: Api, **asked: Any) -> dict[str, Any]:
    answer = await api.call("GET", "/feedback", scope="predictions:read", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
