"""POST /data/from-feedback: what people said of the guard's predictions becomes a dataset."""

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Connection, Database
from training.domain.datasets.limits import PIECE_BYTES
from training.tests.support import api as application
from training.tests.support.api import Api, assert_problem
from training.tests.support.data import Importer, text, version_path
from training.tests.support.database import TestDatabase
from training.tests.support.feedback_peer import BEGINNING, FeedbackPeer, feedback_peer
from training.tests.support.issuer import Issuer
from training.tests.support.s3_server import S3Server
from training.tests.support.served import bare_environment, run
from training.work.imports.kind import ImportKind

BOTH = "data:write predictions:read"


@pytest.fixture
async def guard() -> AsyncIterator[FeedbackPeer]:
    async with feedback_peer() as peer:
        yield peer


@pytest.fixture
def variables(
    guard: FeedbackPeer,
    shared_database: TestDatabase,
    s3_server: S3Server,
    issuer: Issuer,
    tmp_path: Path,
) -> dict[str, str]:
    buckets = (s3_server.bucket("shared-data"), s3_server.bucket("shared-models"))
    found = application.environment(tmp_path, issuer, shared_database, None, buckets)
    return {**found, "TRAINING_MODEL_API_URL": guard.url}


@pytest.fixture
async def api(variables: dict[str, str], issuer: Issuer) -> AsyncIterator[Api]:
    async with application.serving(variables, issuer) as api:
        yield api.of_tenant(f"tenant-{secrets.token_hex(6)}")


@pytest.fixture
async def importer(
    shared_database: TestDatabase, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Importer]:
    async def nothing_protected(_: Connection, __: str) -> NDArray[np.uint64]:
        return np.zeros(0, np.uint64)

    def bucket(name: str) -> BlockingObjectStore:
        return BlockingObjectStore(s3_server.bucket(name))

    async with Database(shared_database.url, shared_database.password) as database:
        kind = ImportKind(nothing_protected, bucket)
        yield Importer(database, kind, bucket("shared-data"), tmp_path)


async def ask(
    api: Api, key: str | None = None, scope: str = BOTH, **more: object
) -> httpx.Response:
    body = {"name": "said", "since": f"{BEGINNING:%Y-%m-%dT%H:%M:%SZ}", **more}
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.call("POST", "/data/from-feedback", json=body, headers=headers, scope=scope)


async def report_of(api: Api, result: dict[str, Any]) -> dict[str, Any]:
    answer = await api.call("GET", version_path(result, "/report"))
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


async def rows_of(api: Api, result: dict[str, Any]) -> set[tuple[str, int, str]]:
    answer = await api.call("GET", version_path(result, "/sample"), params={"size": 100})
    assert answer.status_code == 200, answer.text
    return {(row["text"], row["label"], row["category"]) for row in answer.json()["rows"]}


async def test_the_latest_opinions_whose_texts_were_stored_become_the_rows(
    api: Api, guard: FeedbackPeer, importer: Importer
) -> None:
    guard.page = 2
    guard.say("benign", None, superseded=True, text_missing=None)
    guard.say("attack", text(1))
    guard.say("attack", None)
    guard.say("benign", text(2))
    guard.say("benign", None, text_missing="unreadable")

    answer = await ask(api)

    assert answer.status_code == 202, answer.text
    result = await importer.run(api, answer.json()["job_id"])
    assert await rows_of(api, result) == {
        (text(1), 1, "feedback"),
        (text(2), 0, "feedback"),
    }
    found = {
        "opinions": 5,
        "superseded": 1,
        "not_stored": 1,
        "unreadable": 1,
        "rows": 2,
        "goes_on_from": None,
    }
    assert (await report_of(api, result))["feedback"] == result["feedback"] == found
    (version,) = (await api.call("GET", "/data/said")).json()["items"]
    assert version["lineage"]["origin"]["kind"] == "feedback"
    assert [asked.get("cursor") for asked in guard.asked] == [None, "2", "4"]
    assert all(asked["text"] == "true" for asked in guard.asked)
    for token in guard.tokens:
        assert (token["tenant"], token["scope"]) == (api.tenant, "predictions:read")


async def test_whoever_may_not_read_predictions_gets_no_texts_this_way(
    api: Api, guard: FeedbackPeer
) -> None:
    guard.say("attack", text(1))

    for scope in ("data:write", "data:write data:read models:promote"):
        problem = assert_problem(await ask(api, scope=scope), 403, "FORBIDDEN")
        assert "predictions:read" in problem["detail"]
    assert_problem(await ask(api, scope="predictions:read"), 403, "FORBIDDEN")
    assert guard.asked == []


async def test_an_interrupted_import_goes_on_where_it_was(
    api: Api, guard: FeedbackPeer, importer: Importer
) -> None:
    guard.page = 2
    for place in range(6):
        guard.say("attack", text(place))
    guard.answers = 2
    assert_problem(await ask(api, "once"), 503, "GUARD_UNAVAILABLE")
    guard.answers = None
    guard.asked.clear()

    answer = await ask(api, "once")

    assert answer.status_code == 202, answer.text
    assert [asked.get("cursor") for asked in guard.asked] == ["4"]
    result = await importer.run(api, answer.json()["job_id"])
    assert {row for row, _, _ in await rows_of(api, result)} == {text(each) for each in range(6)}
    assert result["feedback"]["rows"] == result["rows"] == 6
    guard.asked.clear()
    again = await ask(api, "once")
    assert again.json() == answer.json()
    assert guard.asked == []
    assert_problem(await ask(api, "once", predictions=5), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_more_than_a_piece_is_kept_as_it_comes(
    api: Api, guard: FeedbackPeer, importer: Importer, rows: asyncpg.Connection
) -> None:
    # Three pages of more than half a piece each.
    guard.page = 9
    for place in range(27):
        guard.say("attack", f"{place}: {'some words ' * (PIECE_BYTES // 16 // 11)}")

    answer = await ask(api)

    pieces = await rows.fetch(
        "SELECT bytes FROM upload_pieces WHERE upload_id = $1", UUID(answer.json()["upload_id"])
    )
    assert len(pieces) == 3
    assert all(PIECE_BYTES / 2 < row["bytes"] < PIECE_BYTES for row in pieces)
    assert (await importer.run(api, answer.json()["job_id"]))["rows"] == 27


async def test_it_ends_after_so_many_predictions_and_says_where_to_go_on(
    api: Api, guard: FeedbackPeer, importer: Importer
) -> None:
    for place in range(5):
        guard.say("attack", text(place))
    guard.say("attack", text(5))

    answer = await ask(api, predictions=3)

    result = await importer.run(api, answer.json()["job_id"])
    assert {row for row, _, _ in await rows_of(api, result)} == {text(0), text(1), text(2)}
    moment = datetime.fromisoformat(result["feedback"]["goes_on_from"])
    assert moment == BEGINNING + timedelta(minutes=3)


async def test_without_a_row_it_says_why(api: Api, guard: FeedbackPeer) -> None:
    assert_problem(await ask(api, "once"), 409, "NO_FEEDBACK")
    guard.say("attack", None)
    guard.say("benign", None, text_missing="unreadable")

    problem = assert_problem(await ask(api, "once"), 409, "NO_FEEDBACK")

    assert "Of 2 predictions" in problem["detail"]
    assert (await api.call("GET", "/data")).json()["items"] == []
    guard.say("attack", text(1))
    # Nothing came of it before, so that the same request may be made again.
    assert (await ask(api, "once")).status_code == 202


async def test_nobody_else_adds_to_what_the_guard_says(api: Api, guard: FeedbackPeer) -> None:
    guard.say("attack", text(1))
    guard.answers = 0
    assert_problem(await ask(api, "once"), 503, "GUARD_UNAVAILABLE")
    (upload,) = (await api.call("GET", "/data/uploads")).json()["items"]
    path = f"/data/uploads/{upload['id']}"

    headers = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
    added = await api.call("PATCH", path, content=b"{}", headers=headers)
    completed = await api.call("POST", f"{path}/complete")

    assert_problem(added, 409, "UPLOAD_NOT_OPEN")
    assert_problem(completed, 409, "UPLOAD_NOT_OPEN")
    guard.answers = None
    assert (await ask(api, "once")).status_code == 202


@pytest.mark.parametrize("answer", [b"nonsense", b"{}", b'{"items": [], "next_cursor": 3}'])
async def test_what_is_no_page_is_not_believed(
    api: Api, guard: FeedbackPeer, answer: bytes
) -> None:
    guard.nonsense = answer

    assert_problem(await ask(api), 503, "GUARD_UNAVAILABLE")


async def test_the_command_does_the_same(
    api: Api, guard: FeedbackPeer, importer: Importer, variables: dict[str, str], tmp_path: Path
) -> None:
    guard.page = 2
    for place in range(4):
        guard.say("attack", text(place))
    environment = {**bare_environment(str(tmp_path)), **variables}
    arguments = (
        *("data", "import-feedback", "--since", "2026-01-01", "--tenant", api.tenant),
        *("--name", "said", "--predictions", "3", "--key", "once"),
    )
    guard.answers = 1
    status, _, error = await run(*arguments, environment=environment)
    assert (status, error) == (1, "training: The guard answers with status 503.\n")
    guard.answers = None

    status, out, error = await run(*arguments, environment=environment)

    assert status == 0, error
    assert [asked.get("cursor") for asked in guard.asked] == [None, "2", "2"]
    result = await importer.run(api, out.decode().removeprefix("job ").strip())
    assert (result["rows"], result["feedback"]["rows"]) == (3, 3)
    for wrong in ("--since=yesterday", "--predictions=0"):
        assert (await run(*arguments, wrong, environment=environment))[0] == 2
