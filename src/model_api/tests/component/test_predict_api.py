"""POST /predict: decisions on a real model, recorded in a real database."""

from itertools import pairwise

import asyncpg
import pytest

from model_api.domain.limits import MAX_INPUT_BYTES
from model_api.tests.support.api import ATTACK, BENIGN, Api, assert_problem


async def test_an_anonymous_caller_is_refused(api: Api) -> None:
    answer = await api.anonymous("POST", "/predict", json={"text": BENIGN})

    assert_problem(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_caller_without_the_scope_is_refused(api: Api) -> None:
    answer = await api.call("POST", "/predict", scope="models:read", json={"text": BENIGN})

    assert_problem(answer, 403, "FORBIDDEN")
    assert 'scope="predict"' in answer.headers["www-authenticate"]


async def test_an_attack_is_blocked_and_a_question_is_allowed(api: Api) -> None:
    answered = await api.predict(texts=[BENIGN, ATTACK])

    benign, attack = answered["predictions"]
    assert (benign["index"], benign["decision"], benign["spans"]) == (0, "allow", [])
    assert (attack["index"], attack["decision"]) == (1, "block")
    assert 0 <= benign["score"] < attack["score"] <= 1
    assert attack["spans"] == [{"start": 0, "end": len(ATTACK), "score": attack["score"]}]
    assert answered["policy"] == {"name": "default", "version": 0, "mode": "enforce"}
    assert answered["model"]["digest"].startswith("sha256:")
    assert (answered["audit"], answered["recorded"]) == ("durable", True)


async def test_the_order_of_many_inputs_is_kept(api: Api) -> None:
    texts = [ATTACK if index % 3 == 0 else BENIGN for index in range(256)]

    predictions = (await api.predict(texts=texts))["predictions"]

    assert [each["index"] for each in predictions] == list(range(256))
    blocked = [each["index"] for each in predictions if each["decision"] == "block"]
    assert blocked == list(range(0, 256, 3))
    assert len({each["id"] for each in predictions}) == 256


async def test_each_message_of_a_conversation_is_judged(api: Api) -> None:
    messages = [{"role": "user", "content": BENIGN}, {"role": "tool", "content": ATTACK}]

    predictions = (await api.predict(messages=messages))["predictions"]

    assert [each["decision"] for each in predictions] == ["allow", "block"]


async def test_an_empty_text_is_judged(api: Api) -> None:
    (prediction,) = (await api.predict(text=""))["predictions"]

    assert prediction["decision"] == "allow"


async def test_hidden_characters_are_undone_and_told(api: Api) -> None:
    hidden = "\u200b".join(ATTACK)

    (prediction,) = (await api.predict(text=hidden))["predictions"]

    assert prediction["decision"] == "block"
    assert prediction["spans"][0]["end"] == len(hidden)
    assert sum(signal["count"] for signal in prediction["signals"]) >= len(ATTACK) - 1


async def test_an_attack_at_the_end_of_a_long_text_is_found_where_it_is(api: Api) -> None:
    padding = "The meeting notes of last week are attached below. " * 2_000
    text = padding + ATTACK

    (prediction,) = (await api.predict(text=text, include_windows=True))["predictions"]

    assert prediction["decision"] == "block"
    windows = prediction["spans"]
    assert (windows[0]["start"], windows[-1]["end"]) == (0, len(text))
    assert all(left["end"] >= right["start"] for left, right in pairwise(windows))
    worst = max(windows, key=lambda window: window["score"])
    assert worst["end"] > len(padding)


async def test_the_prediction_is_in_the_database_when_the_answer_arrives(
    api: Api, rows: asyncpg.Connection
) -> None:
    answered = await api.predict(text=ATTACK, subject="person-7", session="session-1")

    row = await rows.fetchrow("SELECT * FROM predictions WHERE tenant = $1", api.tenant)
    assert row is not None
    assert str(row["id"]) == answered["predictions"][0]["id"]
    assert (row["decision"], row["key_id"]) == ("block", f"key-of-{api.tenant}")
    assert row["session"] == "session-1"
    assert row["subject_fingerprint"] is not None
    events = await rows.fetch("SELECT * FROM outbox WHERE tenant = $1", api.tenant)
    assert len(events) == 1
    written = repr(dict(row)) + repr(events)
    assert ATTACK not in written
    assert "person-7" not in written


async def test_equal_values_have_one_fingerprint_in_a_tenant_and_another_elsewhere(
    api: Api, rows: asyncpg.Connection
) -> None:
    for tenant in (api.tenant, api.tenant, api.stranger):
        body = {"text": BENIGN, "subject": "person-7"}
        assert (await api.call("POST", "/predict", tenant=tenant, json=body)).status_code == 200

    found = await rows.fetch(
        "SELECT DISTINCT tenant, text_fingerprint, subject_fingerprint FROM predictions"
        " WHERE tenant = ANY($1)",
        [api.tenant, api.stranger],
    )
    assert sorted(row["tenant"] for row in found) == sorted([api.tenant, api.stranger])
    ours, theirs = found
    assert ours["text_fingerprint"] != theirs["text_fingerprint"]
    assert ours["subject_fingerprint"] != theirs["subject_fingerprint"]


async def test_a_policy_of_another_tenant_is_unknown(api: Api) -> None:
    await api.create_policy(name="ours")
    body = {"text": BENIGN, "policy": "ours"}

    assert (await api.predict(**body))["policy"] == {
        "name": "ours",
        "version": 1,
        "mode": "enforce",
    }
    answer = await api.call("POST", "/predict", tenant=api.stranger, json=body)
    assert_problem(answer, 422, "UNKNOWN_POLICY")


async def test_monitor_mode_allows_and_says_what_it_would_have_done(api: Api) -> None:
    await api.create_policy(name="watch", mode="monitor")

    answered = await api.predict(text=ATTACK, policy="watch")

    (prediction,) = answered["predictions"]
    assert (prediction["decision"], prediction["would_be_decision"]) == ("allow", "block")
    assert answered["policy"]["mode"] == "monitor"


async def test_a_fast_audit_is_recorded_a_moment_later(api: Api, rows: asyncpg.Connection) -> None:
    await api.create_policy(name="quick", audit="fast")

    answered = await api.predict(text=BENIGN, policy="quick")

    assert (answered["audit"], answered["recorded"]) == ("fast", True)
    # A durable one queues behind it, so that its commit means the other's.
    await api.predict(text=BENIGN)
    counted = "SELECT count(*) FROM predictions WHERE tenant = $1"
    assert await rows.fetchval(counted, api.tenant) == 2


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "a", "texts": ["b"]}, {"text": "a", "messages": [{"role": "x", "content": ""}]}],
)
async def test_exactly_one_kind_of_input_is_taken(api: Api, body: dict[str, object]) -> None:
    assert_problem(await api.call("POST", "/predict", json=body), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"texts": []}, "/texts"),
        ({"texts": [""] * 257}, "/texts"),
        ({"texts": ["a", 3]}, "/texts/1"),
        ({"text": "a", "txet": "b"}, ""),
        ({"text": "a", "session": "\x00"}, "/session"),
        ({"text": "a", "subject": "s" * 257}, "/subject"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "user"}]}, "/messages/1"),
        ([], ""),
    ],
)
async def test_what_does_not_fit_is_pointed_to(api: Api, body: object, pointer: str) -> None:
    problem = assert_problem(
        await api.call("POST", "/predict", json=body), 422, "VALIDATION_FAILED"
    )

    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_an_input_of_the_greatest_size_is_judged_and_one_byte_more_is_named(
    api: Api,
) -> None:
    whole = "é" * (MAX_INPUT_BYTES // 2)
    await api.predict(text=whole)

    answer = await api.call("POST", "/predict", json={"texts": ["", whole + "x"]})

    problem = assert_problem(answer, 413, "TEXT_TOO_LONG")
    assert "Input 1" in problem["detail"]
    assert str(MAX_INPUT_BYTES) in problem["detail"]
