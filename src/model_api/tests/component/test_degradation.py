"""What is answered when judging or recording cannot be done as it should."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_api.api.predictions.judging import Judging
from model_api.domain.judging.policy import DEFAULT_POLICY, AuditMode, FailMode
from model_api.tests.support.api import (
    ATTACK,
    BENIGN,
    Api,
    assert_problem,
    environment,
    leave_policies,
    serving,
)
from model_api.tests.support.database import Databases
from model_api.tests.support.postgres_server import PostgresServer
from model_api.tests.support.waiting import eventually

OPEN = replace(DEFAULT_POLICY, name="open", fail_mode=FailMode.OPEN)
CLOSED = replace(DEFAULT_POLICY, name="closed", fail_mode=FailMode.CLOSED)
HASTY = replace(OPEN, name="hasty", deadline_ms=1000)
FAST = replace(OPEN, name="fast", audit=AuditMode.FAST)
LONG = "The minutes of the meeting say nothing of interest. " * 18_000


@pytest.fixture
async def alone(state_dir: Path) -> AsyncIterator[Api]:
    leave_policies(state_dir, OPEN, CLOSED, HASTY, FAST)
    async with serving(environment(state_dir)) as api:
        yield api


async def test_the_callers_deadline_is_kept_by_failing_as_the_policy_says(alone: Api) -> None:
    late = {"X-Request-Deadline-Ms": "0"}

    closed = await alone.call(
        "POST", "/predict", json={"text": ATTACK, "policy": "closed"}, headers=late
    )
    problem = assert_problem(closed, 503, "JUDGEMENT_UNAVAILABLE")
    assert "deadline-exceeded" in problem["detail"]

    opened = await alone.call(
        "POST", "/predict", json={"text": ATTACK, "policy": "open"}, headers=late
    )
    (prediction,) = opened.json()["predictions"]
    assert (prediction["decision"], prediction["score"]) == ("allow", None)
    assert prediction["degraded"] == "deadline-exceeded"
    assert alone.metric("degraded_judgements_total", reason="deadline-exceeded") == 2


async def test_the_policys_deadline_frees_the_request(
    alone: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, attempt = threading.Event(), Judging.attempt

    def held_up(judging: Judging, *arguments: Any) -> Any:
        answered.wait()
        return attempt(judging, *arguments)

    monkeypatch.setattr(Judging, "attempt", held_up)
    try:
        async with asyncio.timeout(60):
            answer = await alone.predict(texts=[LONG] * 8, policy="hasty")
    finally:
        answered.set()

    degraded = [each.get("degraded") for each in answer["predictions"]]
    assert degraded == ["deadline-exceeded"] * 8


async def test_a_malformed_deadline_is_refused(alone: Api) -> None:
    answer = await alone.call(
        "POST", "/predict", json={"text": BENIGN}, headers={"X-Request-Deadline-Ms": "soon"}
    )

    assert_problem(answer, 400, "MALFORMED_REQUEST")


async def test_a_policy_that_the_model_cannot_serve_fails_as_it_says(state_dir: Path) -> None:
    rules = {"attack": replace(DEFAULT_POLICY.rules["attack"], block="of-an-older-model")}
    leave_policies(state_dir, replace(OPEN, rules=rules), replace(CLOSED, rules=rules))
    async with serving(environment(state_dir)) as api:
        (prediction,) = (await api.predict(text=ATTACK, policy="open"))["predictions"]
        assert prediction["degraded"] == "policy-not-applicable"

        answer = await api.call("POST", "/predict", json={"text": ATTACK, "policy": "closed"})
        assert_problem(answer, 503, "JUDGEMENT_UNAVAILABLE")


async def test_more_requests_than_may_be_in_flight_are_shed(state_dir: Path) -> None:
    variables = {**environment(state_dir), "MODEL_API_MAX_IN_FLIGHT_REQUESTS": "1"}
    sending = asyncio.Event()
    going_on = asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        sending.set()
        await going_on.wait()
        yield b'a"}'

    headers = {"Content-Type": "application/json"}
    async with serving(variables) as api:
        first = asyncio.create_task(
            api.call("POST", "/predict", content=slow_body(), headers=headers)
        )
        await sending.wait()

        shed = await api.call("POST", "/predict", json={"text": BENIGN})

        assert_problem(shed, 503, "OVERLOADED")
        assert int(shed.headers["retry-after"]) >= 1
        assert (await api.call("GET", "/health")).status_code == 200
        assert api.metric("shed_requests_total") == 1
        going_on.set()
        assert (await first).status_code == 200
        assert (await api.call("POST", "/predict", json={"text": BENIGN})).status_code == 200


async def test_more_bytes_than_may_be_held_are_shed(state_dir: Path) -> None:
    variables = {
        **environment(state_dir),
        "MODEL_API_MAX_IN_FLIGHT_BYTES": str(1 << 20),
        "MODEL_API_MAX_BODY_BYTES": str(1 << 22),
    }
    async with serving(variables) as api:
        body = json.dumps({"texts": ["a" * 600_000] * 2})
        headers = {"Content-Type": "application/json"}
        shed = await api.call("POST", "/predict", content=body, headers=headers)

        assert_problem(shed, 503, "OVERLOADED")
        assert (await api.call("POST", "/predict", json={"text": BENIGN})).status_code == 200


async def test_what_cannot_be_recorded_is_answered_as_the_policy_says(
    state_dir: Path, unused_url: str
) -> None:
    leave_policies(state_dir, OPEN, CLOSED, FAST)
    port = unused_url.rpartition(":")[2]
    variables = {
        **environment(state_dir),
        "MODEL_API_DATABASE_URL": f"postgresql://model_api@127.0.0.1:{port}/model_api",
        "MODEL_API_SPOOL_MAX_BYTES": str(1 << 20),
    }
    async with serving(variables) as api:
        many = {"texts": [BENIGN] * 256, "policy": "open"}
        while (await api.predict(**many))["recorded"]:
            assert api.metric("unrecorded_predictions_total") == 0

        closed = await api.call("POST", "/predict", json={**many, "policy": "closed"})

        assert_problem(closed, 503, "RECORDER_FULL")
        assert int(closed.headers["retry-after"]) >= 1
        assert api.metric("unrecorded_predictions_total") == 512


async def test_without_a_place_for_records_it_judges_and_says_so(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    async with serving(environment(occupied / "state")) as api:
        answered = await api.predict(text=ATTACK)

        assert answered["predictions"][0]["decision"] == "block"
        assert answered["recorded"] is False
        health = (await api.call("GET", "/health")).json()
        assert health["dependencies"]["records"] == "none"


async def test_the_database_may_go_and_come_back(
    own_databases: Databases, own_postgres_server: PostgresServer, state_dir: Path
) -> None:
    database = await own_databases.create()
    async with serving(environment(state_dir, database=database)) as api:
        await api.create_policy(name="ours")
        ids = [(await api.predict(text=BENIGN))["predictions"][0]["id"]]
        own_postgres_server.stop()

        for _ in range(5):
            answered = await api.predict(text=ATTACK, policy="ours")
            assert answered["recorded"] is True
            assert answered["policy"]["version"] == 1
            ids.append(answered["predictions"][0]["id"])
        assert_problem(await api.call("GET", f"/predictions/{ids[0]}"), 503, "STORAGE_UNAVAILABLE")
        health = (await api.call("GET", "/health")).json()
        assert health["status"] == "ready"
        assert health["dependencies"]["database"] == "unavailable"
        assert health["dependencies"]["records"] == "spool"

        own_postgres_server.start()

        async def replayed() -> bool:
            answers = [await api.call("GET", f"/predictions/{each}") for each in ids]
            return all(answer.status_code == 200 for answer in answers)

        await eventually(replayed)
        listed = (await api.call("GET", "/predictions")).json()["items"]
        assert sorted(item["id"] for item in listed) == sorted(ids)
