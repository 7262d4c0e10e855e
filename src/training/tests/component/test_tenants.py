"""One tenant and another: whatever is asked, nobody sees or changes what is not his.

The routes are taken from the OpenAPI document, so that a new one is asked as well.
"""

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.evaluation import suite_store
from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Database
from training.app import describe
from training.domain.jobs.job import JobState
from training.main import VERSION
from training.tests.support import api as application
from training.tests.support.api import Api
from training.tests.support.data import Importer, jsonl, rows
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.issuer import Issuer
from training.tests.support.made_jobs import make_job
from training.tests.support.made_rollouts import make_rollout
from training.tests.support.models import register
from training.tests.support.s3_server import S3Server
from training.work.imports.kind import ImportKind

DOCUMENT = json.loads(describe(VERSION))
GUARDED: list[tuple[str, str, dict[str, Any]]] = [
    (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if "security" in operation
]
NAME = "secret-set"
READS = (
    "/data",
    f"/data/{NAME}",
    "/data/uploads",
    "/suites",
    "/jobs",
    "/models",
    f"/models/{NAME}/versions",
    f"/models/{NAME}/versions/1/history",
    f"/models/{NAME}/rollouts",
    f"/models/{NAME}/promotion-policy",
    "/audit",
)
BODIES: dict[str, dict[str, Any]] = {
    "import_data": {"name": "mine", "url": "s3://shared-data/x.jsonl"},
    "import_feedback": {"name": "mine", "since": "2026-01-01T00:00:00Z"},
    "create_suite": {"name": "mine", "datasets": [{"name": NAME, "version": 1}]},
    "train": {"name": "mine", "datasets": [{"name": NAME, "version": 1}]},
    "evaluate": {"model": NAME, "version": 1},
    "start_rollout": {
        "version": 1,
        "reason": "mine now",
        "plan": [{"stage": "shadow", "minutes": 1}],
    },
    "put_promotion_policy": {"four_eyes": True},
}


@dataclass
class Owner:
    """A tenant that has one of everything: `ids` by the parameter of a path."""

    api: Api
    ids: dict[str, str]
    marks: set[str]

    async def state(self) -> dict[str, Any]:
        """All that the owner sees."""
        found = {}
        for path in READS:
            answer = await self.api.call("GET", path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            found[path] = answer.json()
        return found


@pytest.fixture(scope="module")
async def owner(
    databases: Databases,
    shared_database: TestDatabase,
    s3_server: S3Server,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Owner]:
    folder = tmp_path_factory.mktemp("tenants")
    buckets = (s3_server.bucket("shared-data"), s3_server.bucket("shared-models"))
    variables = application.environment(folder, issuer, shared_database, None, buckets)
    tenant = f"owner-{secrets.token_hex(6)}"
    connection = await databases.connect(shared_database)
    async with (
        application.serving(variables, issuer) as served,
        Database(shared_database.url, shared_database.password) as database,
    ):
        state = Path(variables["TRAINING_STATE_DIR"])
        key = PlatformKey.load(state / "signing.key", state / "signing.pub")
        importer = Importer(
            database,
            ImportKind(suite_store.protected_fingerprints, _bucket(s3_server)),
            _bucket(s3_server)("shared-data"),
            folder,
        )
        api = served.of_tenant(tenant)
        yield await _furnish(api, importer, connection, key)
    await connection.close()


def _bucket(s3_server: S3Server) -> Any:
    return lambda name: BlockingObjectStore(s3_server.bucket(name))


async def _furnish(
    api: Api, importer: Importer, connection: asyncpg.Connection, key: PlatformKey
) -> Owner:
    content = jsonl([*rows(20), {"text": "no label"}])
    imported = await importer.load(api, content, name=NAME, purpose="evaluation")
    upload = await api.call("POST", "/data/uploads", params={"name": NAME, "format": "jsonl"})
    wanted = {"name": NAME, "datasets": [{"name": NAME, "version": 1}]}
    suite = await api.call("POST", "/suites", json=wanted)
    assert suite.status_code == 201, suite.text
    job_id, rollout_id = UUID(str(uuid7())), UUID(str(uuid7()))
    await make_job(connection, api.tenant, job_id, "train", JobState.FAILED)
    await register(importer.database, key, api.tenant, NAME, 1)
    await make_rollout(connection, key, api.tenant, NAME, 1, rollout_id)
    # Nobody drives it, so that only strangers could change it.
    await connection.execute(
        "UPDATE rollouts SET due_at = now() + interval '1 day' WHERE id = $1", rollout_id
    )
    ids = {
        "name": NAME,
        "version": "1",
        "upload_id": upload.json()["id"],
        "job_id": str(job_id),
        "rollout_id": str(rollout_id),
    }
    marks = {api.tenant, imported["digest"], "Text 1:", f"{1:064x}", *list(ids.values())[2:]}
    return Owner(api, ids, marks)


@pytest.mark.parametrize(
    ("method", "path", "operation"), GUARDED, ids=[each[2]["operationId"] for each in GUARDED]
)
async def test_a_stranger_sees_and_changes_nothing(
    owner: Owner, method: str, path: str, operation: dict[str, Any]
) -> None:
    before = await owner.state()

    answer = await _ask(owner, method, path, operation, tenant=owner.api.stranger)

    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    shown = answer.text + repr(answer.headers)
    # What the stranger names himself may be said back to him.
    named = {value for name, value in owner.ids.items() if f"{{{name}}}" in path}
    assert [mark for mark in owner.marks - named if mark in shown] == []
    parameters = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
    if parameters and operation["operationId"] not in _OF_ANY_NAME:
        assert answer.status_code in (400, 403, 404, 409), answer.text
    elif operation["operationId"] in BODIES:
        assert answer.status_code in (403, 404, 422, 503), answer.text
    assert await owner.state() == before


_OF_ANY_NAME = ("get_promotion_policy", "put_promotion_policy", "list_rollouts")
"""A tenant may say how a model of its own is to be promoted before there is one."""


async def test_the_owner_itself_is_answered(owner: Owner) -> None:
    for method, path, operation in GUARDED:
        if method != "GET" or operation["operationId"] in _WITHOUT_ONE:
            continue
        answer = await _ask(owner, method, path, operation, tenant=owner.api.tenant)
        assert answer.status_code == 200, f"{path}: {answer.text}"


_WITHOUT_ONE = ("get_job_report", "get_model_version_report")
"""Nobody evaluated anything here."""


async def _ask(
    owner: Owner, method: str, path: str, operation: dict[str, Any], *, tenant: str
) -> httpx.Response:
    for name, value in owner.ids.items():
        path = path.replace(f"{{{name}}}", value)
    required = [
        each["name"]
        for each in operation.get("parameters", [])
        if each["in"] == "query" and each["required"]
    ]
    query = {name: {"against": "1"}.get(name, "mine now") for name in required}
    headers = {
        "If-Match": "*",
        "Upload-Offset": "0",
        "Content-Type": ("application/partial-upload" if method == "PATCH" else "application/json"),
    }
    body = BODIES.get(operation["operationId"], {"reason": "mine now"})
    sent = {"content": b"x"} if method == "PATCH" else {"json": body}
    if method in ("GET", "HEAD", "DELETE"):
        sent = {}
    return await owner.api.call(method, path, tenant=tenant, params=query, headers=headers, **sent)
