"""Evaluations: a job that judges a registered version, and the report that it leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from training.adapters.jobs import store as job_store
from training.adapters.jobs.store import JobStore
from training.adapters.lifecycle.event_store import EventStore
from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Database
from training.domain.jobs.kinds import JobFailed
from training.domain.lifecycle.facts import VersionRegistered
from training.events.registry import Registry
from training.tests.rows import examples
from training.tests.support.api import Api, assert_problem
from training.tests.support.bundles import digest, trained, upload
from training.tests.support.data import Context
from training.tests.support.database import TestDatabase
from training.tests.support.dataset_versions import put_dataset
from training.tests.support.s3_server import S3Server
from training.tests.support.signing_vectors import TRUSTED
from training.work.evaluation.kind import EvaluateKind

MODEL = "detector"


@dataclass(frozen=True)
class Evaluator:
    """Does the work of evaluations at once, step by step as a worker does."""

    database: Database
    objects: BlockingObjectStore
    models: BlockingObjectStore
    scratch: Path

    async def register(
        self, api: Api, version: int, files: Mapping[str, bytes], **evidence: object
    ) -> str:
        """Make a bundle a version of the model; its place in the store."""
        location = f"{api.tenant}/{MODEL}/{digest(files)[7:]}"
        upload(files, self.models, location)
        fact = VersionRegistered(
            version=version,
            digest=digest(files),
            location=location,
            signed_by="key",
            bundle_version=f"1.0.{version}",
            mlflow_run_id=None,
            evidence=evidence,
        )
        async with self.database.transaction() as connection:
            registry = Registry(EventStore(TRUSTED))
            await registry.register(connection, api.tenant, MODEL, fact, "job:1", "it was trained")
        return location

    async def run(self, api: Api, job_id: str) -> dict[str, Any]:
        """Run the job of this id; what its owner is shown."""
        job = await JobStore(self.database).get(api.tenant, UUID(job_id))
        assert job is not None
        kind = EvaluateKind()
        async with self.database.transaction() as connection:
            inputs = await kind.prepare(connection, job)
        inputs = json.loads(msgspec.json.encode(inputs))
        scratch = self.scratch / job_id
        scratch.mkdir()
        context = Context(job.id, job.tenant, job.attempt, scratch, self.objects, self.models)
        result: dict[str, Any] = json.loads(msgspec.json.encode(kind.run(context, inputs)))
        async with self.database.transaction() as connection:
            await kind.finish(connection, job, result)
        return result


@pytest.fixture(scope="module", autouse=True)
async def bundles() -> None:
    """Trained beside the application: while its loop stands still, its transactions are ended."""
    for more in ({}, {"seed": 1}, {"seed": 2}, {"seed": 2, "regularisation": 0.01}):
        await asyncio.to_thread(trained, **more)


@pytest.fixture
async def evaluator(
    shared_database: TestDatabase, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Evaluator]:
    data, models = (
        BlockingObjectStore(s3_server.bucket(name)) for name in ("shared-data", "shared-models")
    )
    async with Database(shared_database.url, shared_database.password) as database:
        yield Evaluator(database, data, models, tmp_path)


async def evaluate(api: Api, version: int, **more: Any) -> str:
    """Ask for an evaluation; the job."""
    body = {"model": MODEL, "version": version, "suites": ["authored_dev"], **more}
    answer = await api.call("POST", "/evaluate", json=body)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    assert answer.headers["location"] == f"/jobs/{job_id}"
    assert (answer.json()["kind"], answer.json()["state"]) == ("evaluate", "queued")
    return job_id


def report_of(version: int) -> str:
    return f"/models/{MODEL}/versions/{version}/report"


async def test_strangers_may_neither_evaluate_nor_read(api: Api) -> None:
    assert_problem(await api.anonymous("POST", "/evaluate", json={}), 401, "UNAUTHENTICATED")
    assert_problem(await api.call("GET", report_of(1), scope="data:read"), 403, "FORBIDDEN")


async def test_a_version_is_held_against_another_on_the_same_rows(
    api: Api, evaluator: Evaluator
) -> None:
    await evaluator.register(api, 1, trained(seed=1))
    await evaluator.register(api, 2, trained(seed=2, regularisation=0.01))
    job_id = await evaluate(api, 2, against=1)

    shown = await evaluator.run(api, job_id)

    assert shown["against"] == 1
    assert shown["comparison"]["verdict"] in ("better", "worse", "undecided")
    stored = (await api.call("GET", report_of(2))).json()
    assert (stored["job_id"], stored["version"], stored["against"]) == (job_id, 2, 1)
    assert stored["report_digest"] == shown["report"]["digest"]
    assert stored["report"]["model"]["digest"] == digest(trained(seed=2, regularisation=0.01))
    assert stored["comparison"]["champion"]["digest"] == digest(trained(seed=1))
    assert stored["comparison"]["verdict"] == shown["comparison"]["verdict"]
    (suite,) = stored["report"]["suites"]
    assert (suite["suite"], suite["rows"]) == ("authored_dev", 91)
    assert (await api.call("GET", f"/jobs/{job_id}/report")).json() == stored


async def test_a_report_says_what_of_a_suite_the_two_were_trained_on(
    api: Api, evaluator: Evaluator, rows: asyncpg.Connection, s3_server: S3Server
) -> None:
    address = s3_server.bucket("shared-data")
    old = await put_dataset(rows, address, api.tenant, "old", examples()[:30])
    new = await put_dataset(rows, address, api.tenant, "new", examples()[20:60])
    await put_dataset(rows, address, api.tenant, "measured", examples()[:40], purpose="evaluation")
    suite = {"name": "mine", "datasets": [{"name": "measured", "version": 1}], "protected": False}
    assert (await api.call("POST", "/suites", json=suite)).status_code == 201

    def trained_on(name: str, digest: str) -> list[dict[str, object]]:
        return [{"name": name, "version": 1, "digest": digest}]

    await evaluator.register(api, 1, trained(seed=1), datasets=trained_on("old", old))
    await evaluator.register(
        api, 2, trained(seed=2), datasets=trained_on("old", old) + trained_on("new", new)
    )
    await evaluator.register(api, 3, trained(), datasets=trained_on("new", old))

    async def known(version: int, **more: Any) -> Any:
        await evaluator.run(api, await evaluate(api, version, suites=["mine"], **more))
        report = (await api.call("GET", report_of(version))).json()
        (of_candidate,) = report["report"]["suites"]
        (of_both,) = report["comparison"]["suites"]
        assert of_candidate["trained_on"] == of_both["candidate_trained_on"]
        return of_both["candidate_trained_on"], of_both["champion_trained_on"]

    assert await known(2, against=1) == (40, 30)
    # Its evidence names other rows than those that are there.
    assert await known(3, against=1) == (None, 30)
    await rows.execute(
        "UPDATE dataset_versions"
        " SET deleted_at = now(), deleted_by = 'key-1', delete_reason = 'tidying'"
        " WHERE tenant = $1 AND name = 'new'",
        api.tenant,
    )
    assert await known(2, against=1) == (None, 30)


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"model": "detectr"}, "/model", f"There are {MODEL}."),
        ({"version": 3}, "/version", "the latest is 1"),
        ({"against": 3}, "/against", "the latest is 1"),
        ({"suites": ["mine"]}, "/suites/0", "authored_dev"),
    ],
)
async def test_what_is_to_be_evaluated_must_be_there(
    api: Api, evaluator: Evaluator, fields: dict[str, Any], pointer: str, said: str
) -> None:
    await evaluator.register(api, 1, trained())
    body = {"model": MODEL, "version": 1, **fields}
    answer = await api.call("POST", "/evaluate", json=body)
    (error,) = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"]
    assert error["pointer"] == pointer
    assert said in error["message"]


async def test_the_report_can_be_read_as_markdown(api: Api, evaluator: Evaluator) -> None:
    await evaluator.register(api, 1, trained())
    await evaluator.run(api, await evaluate(api, 1))

    answer = await api.call("GET", report_of(1), headers={"Accept": "text/markdown"})
    both = await api.call("GET", report_of(1), headers={"Accept": "text/markdown;q=0.5, */*"})

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert answer.text.startswith("# Evaluation of detector 1.0.1\n")
    assert "There is no champion to compare it with." in answer.text
    assert both.headers["content-type"] == "application/json"


async def test_without_a_champion_and_for_the_champion_itself_nothing_is_compared(
    api: Api, evaluator: Evaluator, rows: asyncpg.Connection
) -> None:
    await evaluator.register(api, 1, trained())
    await evaluator.register(api, 2, trained(seed=2))
    assert (await evaluator.run(api, await evaluate(api, 1)))["against"] is None
    await rows.execute("UPDATE models SET champion = 1 WHERE tenant = $1", api.tenant)
    assert (await evaluator.run(api, await evaluate(api, 1)))["against"] is None

    assert (await evaluator.run(api, await evaluate(api, 2)))["against"] == 1
    assert (await evaluator.run(api, await evaluate(api, 2, against=None)))["against"] is None


async def test_the_newest_report_counts_and_old_ones_stay_with_their_jobs(
    api: Api, evaluator: Evaluator
) -> None:
    await evaluator.register(api, 1, trained())
    first, second = await evaluate(api, 1), await evaluate(api, 1, seed=2)
    await evaluator.run(api, first)
    await evaluator.run(api, second)

    assert (await api.call("GET", report_of(1))).json()["job_id"] == second
    assert (await api.call("GET", f"/jobs/{first}/report")).json()["job_id"] == first


async def test_what_there_is_no_report_on_is_not_found(api: Api, evaluator: Evaluator) -> None:
    await evaluator.register(api, 1, trained())
    job_id = await evaluate(api, 1)

    for path in (report_of(1), report_of(2**40), f"/jobs/{job_id}/report"):
        assert_problem(await api.call("GET", path), 404, "REPORT_NOT_FOUND")
    await evaluator.run(api, job_id)
    assert_problem(
        await api.call("GET", report_of(1), tenant=api.stranger), 404, "REPORT_NOT_FOUND"
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"version": 7}, "version-unknown"),
        ({"against": 7}, "version-unknown"),
        ({"suites": ["nothing"]}, "suite-unknown"),
    ],
)
async def test_what_is_gone_by_then_fails_the_job_with_a_reason(
    api: Api, evaluator: Evaluator, more: dict[str, Any], code: str
) -> None:
    await evaluator.register(api, 1, trained())
    parameters = {"model": MODEL, "version": 1, **more}
    async with evaluator.database.transaction() as connection:
        job = await job_store.enqueue(
            connection, tenant=api.tenant, kind="evaluate", parameters=parameters, actor="key-1"
        )

    with pytest.raises(JobFailed) as failure:
        await evaluator.run(api, str(job.id))

    assert failure.value.code == code


async def test_an_altered_bundle_fails_the_job(api: Api, evaluator: Evaluator) -> None:
    location = await evaluator.register(api, 1, trained())
    evaluator.models.put(f"{location}/weights.npy", b"other weights")
    job_id = await evaluate(api, 1)

    with pytest.raises(JobFailed, match="not in the store as it was put there") as failure:
        await evaluator.run(api, job_id)

    assert failure.value.code == "bundle-unreadable"
    assert_problem(await api.call("GET", report_of(1)), 404, "REPORT_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {"model": MODEL},
        {"model": MODEL, "version": 0},
        {"model": MODEL, "version": 1, "against": "nobody"},
        {"model": MODEL, "version": 1, "suites": []},
        {"model": MODEL, "version": 1, "more": 1},
    ],
)
async def test_bodies_that_do_not_fit_are_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await api.call("POST", "/evaluate", json=body)

    assert_problem(answer, 422, "VALIDATION_FAILED")
