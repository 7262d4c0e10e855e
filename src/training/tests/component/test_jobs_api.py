"""`/train`, `/jobs` and `/trainers` of the real application; workers do here what a test says."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from training import worker_app
from training.adapters.jobs import queue as job_queue
from training.adapters.jobs.changes import JobEntry
from training.adapters.jobs.queue import Claimant
from training.adapters.postgres import Database
from training.domain.jobs import endings
from training.domain.jobs.job import Job, Progress
from training.settings import read
from training.tests.rows import examples
from training.tests.support.api import Api, assert_problem
from training.tests.support.database import TestDatabase
from training.tests.support.dataset_versions import put_dataset
from training.tests.support.s3_server import S3Server

ORDER = {"name": "detector", "datasets": [{"name": "prompts", "version": 1}]}
LEASE = timedelta(seconds=60)


@pytest.fixture(autouse=True)
async def dataset(api: Api, rows: asyncpg.Connection, s3_server: S3Server) -> None:
    """What is ordered to be trained on."""
    bucket = s3_server.bucket("shared-data")
    await put_dataset(rows, bucket, api.tenant, "prompts", examples(4))
    await put_dataset(rows, bucket, api.tenant, "held-out", examples(4), purpose="evaluation")


@pytest.fixture
async def database(shared_database: TestDatabase) -> AsyncIterator[Database]:
    """The database of the shared application."""
    async with Database(shared_database.url, shared_database.password) as database:
        yield database


async def train(api: Api, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    answer = await api.call("POST", "/train", json={**ORDER, **fields}, headers=headers)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    return job


async def get(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    answer = await api.call("GET", f"/jobs/{job['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def claim(database: Database, rows: asyncpg.Connection, job: dict[str, Any]) -> Job:
    """The job, running: whatever waits besides is put behind it."""
    await rows.execute("UPDATE jobs SET priority = 101 WHERE id = $1", UUID(job["id"]))
    claimant = Claimant("test", ("train",), LEASE, tenant_concurrency=9)
    async with database.transaction() as connection:
        mine = await job_queue.claim(connection, claimant)
    assert mine is not None
    assert str(mine.id) == job["id"]
    return mine


async def tell(database: Database, job: Job, number: int) -> None:
    progress = Progress(number / 10, f"step {number}", {"loss": 1 / number}, 5.0)
    entries = [
        JobEntry("log", {"message": f"line {number}", "numbers": {"rows": number}}),
        JobEntry("progress", msgspec.to_builtins(progress)),
    ]
    async with database.transaction() as connection:
        await job_queue.renew(connection, job, LEASE, progress, entries)


async def end(database: Database, job: Job, ending: endings.Ending | None = None) -> None:
    async with database.transaction() as connection:
        if ending is not None:
            await job_queue.end(connection, job, ending)
            return
        await job_queue.succeed(connection, await job_queue.lock(connection, job), {"version": 3})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/train"),
        ("GET", "/jobs"),
        ("GET", "/trainers"),
        ("GET", "/jobs/0190a5c0-0000-7000-8000-000000000000"),
        ("GET", "/jobs/0190a5c0-0000-7000-8000-000000000000/events"),
        ("GET", "/jobs/0190a5c0-0000-7000-8000-000000000000/log"),
        ("POST", "/jobs/0190a5c0-0000-7000-8000-000000000000/cancel"),
        ("POST", "/jobs/0190a5c0-0000-7000-8000-000000000000/retry"),
    ],
)
async def test_strangers_and_those_without_the_scope_are_refused(
    api: Api, method: str, path: str
) -> None:
    assert_problem(await api.anonymous(method, path), 401, "UNAUTHENTICATED")
    assert_problem(await api.call(method, path, scope="data:read"), 403, "FORBIDDEN")


async def test_a_training_is_queued_as_it_was_ordered(api: Api, rows: asyncpg.Connection) -> None:
    job = await train(
        api,
        parameters={"folds": 3},
        sweep={"regularisation": [1, 10]},
        criterion="recall_balanced",
        suites=["robustness"],
        tags={"ticket": "A-1"},
        priority=7,
        deadline_seconds=60,
    )
    assert (job["state"], job["kind"], job["attempt"]) == ("queued", "train", 0)
    assert (job["tags"], job["priority"]) == ({"ticket": "A-1"}, 7)
    assert job["parameters"]["sweep"] == {"regularisation": [1, 10]}
    assert job["parameters"]["executor"] == "local"
    assert job["deadline_at"] is not None
    assert await get(api, job) == job
    told = await rows.fetchrow("SELECT action, target FROM audit_log WHERE tenant = $1", api.tenant)
    assert told is not None
    assert tuple(told) == ("job.enqueued", job["id"])


async def test_a_repetition_with_its_key_finds_the_same_job(api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    first = await train(api, key)
    assert await train(api, key) == first
    assert len((await api.call("GET", "/jobs")).json()["items"]) == 1
    other = await api.call("POST", "/train", json={**ORDER, "seed": 2}, headers=key)
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"trainer": "oracle"}, "/trainer"),
        ({"parameters": {"folds": 1}}, "/parameters/folds"),
        ({"parameters": {"unheard_of": 1}}, "/parameters"),
        ({"sweep": {"folds": [3, 99]}}, "/sweep/folds"),
        ({"sweep": {"folds": list(range(2, 21)), "rounds": [1] * 20}}, "/sweep"),
        ({"sweep": {"folds": [3]}, "parameters": {"folds": 4}}, "/sweep/folds"),
        ({"datasets": []}, "/datasets"),
        ({"name": "No Such Name"}, "/name"),
        ({"name": "detector\n"}, "/name"),
        ({"deadline_seconds": 0}, "/deadline_seconds"),
        ({"priority": 1000}, "/priority"),
        ({"unknown": 1}, ""),
    ],
)
async def test_an_impossible_order_is_refused_where_it_is_at_fault(
    api: Api, fields: dict[str, Any], pointer: str
) -> None:
    answer = await api.call("POST", "/train", json={**ORDER, **fields})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"datasets": [{"name": "promts", "version": 1}]}, "/datasets/0", "prompts, held-out."),
        ({"datasets": [{"name": "prompts", "version": 2}]}, "/datasets/0", "version prompts 2."),
        ({"datasets": [{"name": "held-out", "version": 1}]}, "/datasets/0", "for evaluation"),
        ({"suites": ["authored_dev", "robust"]}, "/suites/1", "robustness, authored_dev."),
    ],
)
async def test_what_an_order_names_must_be_there(
    api: Api, fields: dict[str, Any], pointer: str, said: str
) -> None:
    answer = await api.call("POST", "/train", json={**ORDER, **fields})
    (error,) = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"]
    assert error["pointer"] == pointer
    assert said in error["message"]
    assert (await api.call("GET", "/jobs")).json()["items"] == []


async def test_only_clusters_that_the_operator_allows_may_be_named(api: Api) -> None:
    executor = {"kind": "ray", "address": "somewhere.example:6379"}
    answer = await api.call("POST", "/train", json={**ORDER, "executor": executor})
    assert_problem(answer, 422, "EXECUTOR_NOT_ALLOWED")


async def test_jobs_are_listed_in_pages_newest_first(api: Api) -> None:
    made = [(await train(api, seed=number))["id"] for number in range(3)]
    first = (await api.call("GET", "/jobs", params={"limit": 2})).json()
    assert [job["id"] for job in first["items"]] == [made[2], made[1]]
    rest = await api.call("GET", "/jobs", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [job["id"] for job in rest.json()["items"]] == [made[0]]
    assert rest.json()["next_cursor"] is None
    await api.call("POST", f"/jobs/{made[0]}/cancel")
    by_state = await api.call("GET", "/jobs", params={"state": "cancelled", "kind": "train"})
    assert [job["id"] for job in by_state.json()["items"]] == [made[0]]
    assert (await api.call("GET", "/jobs", params={"kind": "import"})).json()["items"] == []


async def test_a_filter_of_jobs_that_is_none_is_told_which_there_are(api: Api) -> None:
    refused = await api.call("GET", "/jobs", params={"kind": "training"})
    problem = assert_problem(refused, 400, "MALFORMED_REQUEST")
    named = f"must be one of {', '.join(sorted(worker_app.kinds(read({}))))}"
    assert problem["errors"] == [{"pointer": "/kind", "message": named}]


async def test_another_tenants_job_is_not_there(api: Api) -> None:
    job = await train(api)
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/log"), ("POST", "/cancel")):
        answer = await api.call(method, f"/jobs/{job['id']}{path}", tenant=api.stranger)
        assert_problem(answer, 404, "JOB_NOT_FOUND")
    assert (await api.call("GET", "/jobs", tenant=api.stranger)).json()["items"] == []


async def test_a_job_is_cancelled_and_tried_again(api: Api, rows: asyncpg.Connection) -> None:
    job = await train(api)
    assert_problem(await api.call("POST", f"/jobs/{job['id']}/retry"), 409, "JOB_NOT_RETRYABLE")
    cancelled = await api.call("POST", f"/jobs/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert_problem(await api.call("POST", f"/jobs/{job['id']}/cancel"), 409, "JOB_ENDED")
    again = await api.call("POST", f"/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["state"]) == (202, "queued")
    actions = await rows.fetch(
        "SELECT action FROM audit_log WHERE tenant = $1 ORDER BY id", api.tenant
    )
    assert [row["action"] for row in actions] == ["job.enqueued", "job.cancelled", "job.retried"]


async def test_trainers_say_what_they_can_be_told(api: Api) -> None:
    answer = await api.call("GET", "/trainers", scope="jobs:read")
    (linear,) = answer.json()["items"]
    assert linear["name"] == "linear"
    schema = linear["parameters"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["folds"]["minimum"] == 2
    assert schema["properties"]["folds"]["default"] == 5
    assert schema["properties"]["folds"]["description"]


async def test_the_log_is_plain_lines(
    api: Api, database: Database, rows: asyncpg.Connection
) -> None:
    job = await train(api)
    mine = await claim(database, rows, job)
    await tell(database, mine, 1)
    await tell(database, mine, 2)
    answer = await api.call("GET", f"/jobs/{job['id']}/log")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["line 1 rows=1", "line 2 rows=2"]
    await end(database, mine)
    followed = await api.call("GET", f"/jobs/{job['id']}/log", params={"follow": True})
    assert followed.text.splitlines() == lines


async def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(api: Api) -> None:
    answer = await api.call("GET", "/jobs", params={"state": "runing"})
    (error,) = assert_problem(answer, 400, "MALFORMED_REQUEST")["errors"]
    states = "queued, running, succeeded, failed, cancelled, poisoned"
    assert error == {"pointer": "/state", "message": f"must be one of {states}"}


@pytest.mark.parametrize("value", ["x", "-1", "1" * 19, "1.5"])
async def test_an_event_id_of_another_form_is_refused(api: Api, value: str) -> None:
    job = await train(api)
    answer = await api.call("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": value})
    assert_problem(answer, 400, "MALFORMED_REQUEST")
