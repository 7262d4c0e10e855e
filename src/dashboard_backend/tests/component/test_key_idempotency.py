"""A key that is asked for twice under one Idempotency-Key is made once."""

import asyncio

from dashboard_backend.tests.support.database import Databases, TestDatabase
from dashboard_backend.tests.support.gateway import Gateway

BODY = {"name": "once", "scopes": ["predict"]}


async def test_simultaneous_and_later_repeats_get_the_first_answer(
    gateway: Gateway, databases: Databases, test_database: TestDatabase
) -> None:
    headers = gateway.bearer() | {"Idempotency-Key": "a-1"}
    answers = await asyncio.gather(
        *(gateway.client.post("/keys", json=BODY, headers=headers) for _ in range(5))
    )
    answers.append(await gateway.client.post("/keys", json=BODY, headers=headers))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    connection = await databases.connect(test_database)
    try:
        made = await connection.fetchval("SELECT count(*) FROM api_keys WHERE name = 'once'")
        replies = str(await connection.fetch("SELECT * FROM idempotent_replies"))
    finally:
        await connection.close()
    assert made == 1
    assert answers[0].json()["token"] not in replies


async def test_other_body_is_refused(gateway: Gateway) -> None:
    headers = gateway.bearer() | {"Idempotency-Key": "a-2"}
    assert (await gateway.client.post("/keys", json=BODY, headers=headers)).status_code == 201
    other = await gateway.client.post("/keys", json=BODY | {"name": "x"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_other_caller_makes_another_key(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:write", "predict")
    made = [
        await gateway.client.post(
            "/keys", json=BODY, headers=gateway.bearer(caller) | {"Idempotency-Key": "a-3"}
        )
        for caller in (gateway.admin, token)
    ]
    assert made[0].json()["token"] != made[1].json()["token"]


async def test_reply_cannot_be_opened_after_the_caller_was_rotated(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:write", "predict")
    headers = {"Idempotency-Key": "a-4"}
    await gateway.client.post("/keys", json=BODY, headers=gateway.bearer(token) | headers)
    rotated = await gateway.client.post(
        f"/keys/{token.split('_')[1]}/rotate", json={}, headers=gateway.bearer()
    )
    answer = await gateway.client.post(
        "/keys", json=BODY, headers=gateway.bearer(rotated.json()["token"]) | headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "REPLY_SEALED")
