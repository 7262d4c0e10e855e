"""Suites: those that are built in, those made of datasets, and what they keep out of training."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from training.adapters.evaluation import builtin_suites, suite_store
from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Database
from training.tests.support.api import Api, assert_problem
from training.tests.support.data import Importer, jsonl, text
from training.tests.support.data import rows as made
from training.tests.support.database import TestDatabase
from training.tests.support.s3_server import S3Server
from training.work.imports.kind import ImportKind


@pytest.fixture
async def importer(
    shared_database: TestDatabase, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Importer]:
    def bucket(name: str) -> BlockingObjectStore:
        return BlockingObjectStore(s3_server.bucket(name))

    async with Database(shared_database.url, shared_database.password) as database:
        kind = ImportKind(suite_store.protected_fingerprints, bucket)
        yield Importer(database, kind, bucket("shared-data"), tmp_path)


def wanted(name: str = "mine", dataset: str = "set", **more: object) -> dict[str, object]:
    return {"name": name, "datasets": [{"name": dataset, "version": 1}], **more}


async def test_strangers_see_no_suites(api: Api) -> None:
    assert_problem(await api.anonymous("GET", "/suites"), 401, "UNAUTHENTICATED")
    answer = await api.call("POST", "/suites", json=wanted(), scope="data:read")
    assert_problem(answer, 403, "FORBIDDEN")


async def test_the_built_in_suites_are_there_for_every_tenant(api: Api) -> None:
    listed = (await api.call("GET", "/suites", params={"limit": 1})).json()
    rest = (await api.call("GET", "/suites", params={"cursor": listed["next_cursor"]})).json()

    suites = [*listed["items"], *rest["items"]]
    assert [one["name"] for one in suites] == sorted(builtin_suites.BUILT_IN)
    assert all(one["built_in"] and one["default"] and one["protected"] for one in suites)
    one = (await api.call("GET", "/suites/robustness")).json()
    assert one == suites[1]
    assert one["measures"] == ["ranking", "robustness"]


async def test_a_suite_is_made_of_dataset_versions(
    api: Api, importer: Importer, rows: asyncpg.Connection
) -> None:
    imported = await importer.load(api, jsonl(made(20)), purpose="evaluation")

    answer = await api.call(
        "POST", "/suites", json=wanted(measures=["slices"], default=True, description="Ours.")
    )

    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert answer.headers["location"] == "/suites/mine"
    assert (shown["rows"], shown["attacks"]) == (20, 10)
    assert (shown["built_in"], shown["default"], shown["protected"]) == (False, True, True)
    assert shown["datasets"] == [{"name": imported["dataset"], "version": 1}]
    assert (await api.call("GET", "/suites/mine")).json() == shown
    names = [one["name"] for one in (await api.call("GET", "/suites")).json()["items"]]
    assert names == ["authored_dev", "mine", "robustness"]
    stranger = await api.call("GET", "/suites/mine", tenant=api.stranger)
    assert_problem(stranger, 404, "SUITE_NOT_FOUND")
    audited = await rows.fetch(
        "SELECT action, target FROM audit_log WHERE tenant = $1 AND action LIKE 'suite.%'",
        api.tenant,
    )
    assert [tuple(row) for row in audited] == [("suite.created", "mine")]


async def test_a_repeated_request_makes_one_suite(api: Api, importer: Importer) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")
    headers = {"Idempotency-Key": "once"}

    first = await api.call("POST", "/suites", json=wanted(), headers=headers)
    again = await api.call("POST", "/suites", json=wanted(), headers=headers)
    without = await api.call("POST", "/suites", json=wanted())
    other = await api.call("POST", "/suites", json=wanted("other"), headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert_problem(without, 409, "SUITE_EXISTS")
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("name", sorted(builtin_suites.BUILT_IN))
async def test_no_suite_takes_the_name_of_a_built_in_one(
    api: Api, importer: Importer, name: str
) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")

    answer = await api.call("POST", "/suites", json=wanted(name))

    assert_problem(answer, 409, "SUITE_EXISTS")


async def test_a_suite_needs_dataset_versions_that_are_there(api: Api, importer: Importer) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")
    datasets = [{"name": "set", "version": 1}, {"name": "set", "version": 2}]

    answer = await api.call("POST", "/suites", json=wanted() | {"datasets": datasets})
    stranger = await api.call("POST", "/suites", json=wanted(), tenant=api.stranger)

    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert answer.json()["errors"][0]["pointer"] == "/datasets/1"
    assert_problem(stranger, 422, "VALIDATION_FAILED")


async def test_what_a_protected_suite_holds_is_kept_out_of_training_data(
    api: Api, importer: Importer
) -> None:
    await importer.load(api, jsonl(made(6)), name="held", purpose="evaluation")
    await importer.load(api, jsonl(made(6, first=100)), name="open", purpose="evaluation")
    for name, protected in (("held", True), ("open", False)):
        answer = await api.call("POST", "/suites", json=wanted(name, name, protected=protected))
        assert answer.status_code == 201
    built_in = builtin_suites.load("robustness").examples[0].text
    training = [*made(8), *made(8, first=100), {"text": built_in.upper(), "label": 0}]

    imported = await importer.load(api, jsonl(training), name="training")

    # Of rows 1 to 8 the suite holds six, and the built-in one the last; those of `open` may stay.
    assert (imported["rows"], imported["quarantined"]) == (10, 7)
    report = (await api.call("GET", "/data/training/versions/1/report")).json()
    leaks = {each["reason"]: each["rows"] for each in report["findings"]}
    assert leaks == {"leaks_evaluation": [1, 2, 3, 4, 5, 6, 17]}
    other = await importer.load(api.of_tenant(api.stranger), jsonl(training), name="training")
    assert other["quarantined"] == 1


async def test_a_suite_is_deleted_with_a_reason(
    api: Api, importer: Importer, rows: asyncpg.Connection
) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")
    await api.call("POST", "/suites", json=wanted())
    why = {"reason": "it was a trial"}
    assert_problem(await api.call("DELETE", "/suites/mine"), 400, "MALFORMED_REQUEST")
    refused = await api.call("DELETE", "/suites/mine", params=why, scope="data:read")
    assert_problem(refused, 403, "FORBIDDEN")
    stranger = await api.call("DELETE", "/suites/mine", params=why, tenant=api.stranger)
    assert_problem(stranger, 404, "SUITE_NOT_FOUND")

    deleted = await api.call("DELETE", "/suites/mine", params=why)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_problem(await api.call("GET", "/suites/mine"), 404, "SUITE_NOT_FOUND")
    again = await api.call("DELETE", "/suites/mine", params=why)
    assert_problem(again, 404, "SUITE_NOT_FOUND")
    reason = await rows.fetchval(
        "SELECT details->>'reason' FROM audit_log WHERE tenant = $1 AND action = 'suite.deleted'",
        api.tenant,
    )
    assert reason == "it was a trial"
    # What it kept out of training data may come in, and what it was made of may go.
    assert (await importer.load(api, jsonl(made(4)), name="training"))["quarantined"] == 0
    removed = await api.call("DELETE", "/data/set/versions/1", params=why)
    assert removed.status_code == 200


@pytest.mark.parametrize("name", sorted(builtin_suites.BUILT_IN))
async def test_no_built_in_suite_is_deleted(api: Api, name: str) -> None:
    answer = await api.call("DELETE", f"/suites/{name}", params={"reason": "tidying"})

    assert_problem(answer, 409, "SUITE_BUILT_IN")


@pytest.mark.parametrize(
    ("is_default", "named", "is_needed"),
    [
        (False, ["mine"], True),
        (True, None, True),
        (False, None, False),
        (True, ["robustness"], False),
        (True, [], False),
    ],
)
async def test_a_suite_that_a_job_needs_is_not_deleted(
    api: Api, importer: Importer, is_default: bool, named: list[str] | None, is_needed: bool
) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")
    await importer.load(api, jsonl(made(4, first=100)), name="training")
    await api.call("POST", "/suites", json=wanted(default=is_default))
    order = {"name": "m", "datasets": [{"name": "training", "version": 1}], "suites": named}
    job = (await api.call("POST", "/train", json=order)).json()

    answer = await api.call("DELETE", "/suites/mine", params={"reason": "tidying"})

    if not is_needed:
        assert answer.status_code == 204
        return
    assert job["id"] in assert_problem(answer, 409, "SUITE_IN_USE")["detail"]
    await api.call("POST", f"/jobs/{job['id']}/cancel")
    answer = await api.call("DELETE", "/suites/mine", params={"reason": "tidying"})
    assert answer.status_code == 204


async def test_the_rows_of_a_suite_are_not_deleted_unnoticed(api: Api, importer: Importer) -> None:
    await importer.load(api, jsonl(made(4)), purpose="evaluation")
    await api.call("POST", "/suites", json=wanted())

    answer = await api.call("DELETE", "/data/set/versions/1", params={"reason": "tidying"})

    assert_problem(answer, 409, "DATASET_IN_USE")
    assert "suite mine" in answer.json()["detail"]
    assert text(0) not in answer.text
