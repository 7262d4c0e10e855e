"""Uploads: whatever interrupts one, it goes on where it was, and shows nothing before its end."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from training.adapters.datasets import uploads as dataset_uploads
from training.adapters.object_store import BlockingObjectStore, ObjectStore, StoreUnavailable
from training.adapters.postgres import Database
from training.domain.datasets.feedback import FeedbackPage, FeedbackWalk
from training.domain.datasets.files import FileFormat
from training.domain.datasets.limits import PIECE_BYTES
from training.domain.datasets.upload import UploadTooLarge
from training.domain.datasets.urls import ImportPlaces
from training.domain.datasets.version import ImportRequest
from training.domain.identity import Changer
from training.tests.support.api import Api, assert_problem
from training.tests.support.data import jsonl, post
from training.tests.support.data import rows as good_rows
from training.tests.support.database import TestDatabase
from training.tests.support.s3_server import S3Server
from training.work.imports.upkeep import tidy_datasets
from training.work.imports.uploads import Uploads

PARTIAL = {"Content-Type": "application/partial-upload"}


@pytest.fixture
async def database(shared_database: TestDatabase) -> AsyncIterator[Database]:
    """The shared application's."""
    async with Database(shared_database.url, shared_database.password) as database:
        yield database


@pytest.fixture
def objects(s3_server: S3Server) -> BlockingObjectStore:
    """The shared application's bucket."""
    return BlockingObjectStore(s3_server.bucket("shared-data"))


async def create(api: Api, headers: dict[str, str] | None = None, **query: str) -> str:
    answer = await api.call(
        "POST",
        "/data/uploads",
        params={"name": "set", "format": "jsonl", **query},
        headers=headers or {},
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    location: str = answer.headers["location"]
    return location


async def append(
    api: Api, path: str, offset: int, content: Any, *, last: bool = False, **more: Any
) -> httpx.Response:
    headers = {**PARTIAL, "Upload-Offset": str(offset)}
    if last:
        headers["Upload-Complete"] = "?1"
    return await api.call("PATCH", path, content=content, headers=headers, **more)


async def pieces(rows: asyncpg.Connection, path: str) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await rows.fetch(
        "SELECT key, sha256, bytes FROM upload_pieces WHERE upload_id = $1 ORDER BY number",
        path.rpartition("/")[2],
    )
    return found


async def test_bytes_come_in_any_number_of_requests(
    api: Api, rows: asyncpg.Connection, objects: BlockingObjectStore
) -> None:
    content = secrets.token_bytes(PIECE_BYTES + 1_000)
    path = await create(api, {"Upload-Length": str(len(content))})
    assert (await append(api, path, 0, content[:10])).headers["upload-offset"] == "10"
    assert_problem(await append(api, path, 0, content), 409, "UPLOAD_OFFSET_MISMATCH")
    answer = await append(api, path, 11, b"")
    assert_problem(answer, 409, "UPLOAD_OFFSET_MISMATCH")
    assert answer.headers["upload-offset"] == "10"
    assert (await api.call("GET", "/data")).json()["items"] == []
    answer = await append(api, path, 10, content[10:], last=True)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.headers["upload-complete"]) == ("complete", "?1")
    found = await pieces(rows, path)
    assert [each["bytes"] for each in found] == [10, PIECE_BYTES, 990]
    stored = b"".join(objects.get(each["key"]) for each in found)
    assert stored == content
    assert [hashlib.sha256(objects.get(each["key"])).hexdigest() for each in found] == [
        each["sha256"] for each in found
    ]
    head = await api.call("HEAD", path)
    assert (head.headers["upload-offset"], head.headers["upload-complete"]) == (
        str(len(content)),
        "?1",
    )
    assert_problem(await append(api, path, len(content), b"x"), 409, "UPLOAD_NOT_OPEN")
    completed = await api.call("POST", f"{path}/complete")
    assert completed.json()["job_id"] == answer.json()["job_id"]


class Cut:
    """A caller who goes away after some bytes, as the server sees it."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = iter(messages)

    async def __call__(self) -> dict[str, Any]:
        return next(self._messages, {"type": "http.disconnect"})


async def send_cut(api: Api, path: str, offset: int, *chunks: bytes) -> None:
    """A PATCH whose connection is lost after the chunks."""
    sent = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = {**PARTIAL, "Upload-Offset": str(offset), **api.authorization(api.tenant, "admin")}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PATCH",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("training", 80),
    }
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    await api.app(scope, Cut(*messages), send)  # type: ignore[arg-type] # plain ASGI


async def test_an_upload_goes_on_after_a_lost_connection(api: Api) -> None:
    path = await create(api)
    await send_cut(api, path, 0, b"123", b"45")
    head = await api.call("HEAD", path)
    assert (head.headers["upload-offset"], head.headers["upload-complete"]) == ("5", "?0")
    assert (await append(api, path, 5, b"67", last=True)).json()["offset"] == 7


async def test_the_newer_of_two_writers_goes_on(api: Api, database: Database) -> None:
    path = await create(api)
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"old"
        entered.set()
        await release.wait()
        yield b"er"

    older = asyncio.create_task(append(api, path, 0, slow()))
    await entered.wait()
    newer = await append(api, path, 0, b"newer")
    assert newer.headers["upload-offset"] == "5"
    release.set()
    assert_problem(await older, 409, "UPLOAD_TAKEN")
    assert (await api.call("HEAD", path)).headers["upload-offset"] == "5"


async def test_a_key_finds_an_upload_and_makes_a_repetition_harmless(
    api: Api, rows: asyncpg.Connection
) -> None:
    content = jsonl(good_rows(50))
    key = secrets.token_hex(8)
    answer = await post(api, content, idempotency_key=key)
    assert answer.status_code == 202, answer.text
    again = await post(api, content, idempotency_key=key)
    assert again.json() == answer.json()
    assert again.headers["location"] == f"/jobs/{answer.json()['job_id']}"
    other = await post(api, content.replace(b"Text 7", b"Text X"), idempotency_key=key)
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    shorter = await post(api, content[:-20], idempotency_key=key)
    assert_problem(shorter, 422, "IDEMPOTENCY_KEY_REUSED")
    longer = await post(api, content + b" ", idempotency_key=key)
    assert_problem(longer, 422, "IDEMPOTENCY_KEY_REUSED")
    renamed = await post(api, content, idempotency_key=key, name="else")
    assert_problem(renamed, 422, "IDEMPOTENCY_KEY_REUSED")
    found = (await api.call("GET", f"/data/uploads?idempotency_key={key}")).json()["items"]
    assert [each["id"] for each in found] == [answer.json()["upload_id"]]
    jobs = await rows.fetchval("SELECT count(*) FROM jobs WHERE tenant = $1", api.tenant)
    assert jobs == 1


async def test_an_interrupted_post_is_found_by_its_key_and_repeated(api: Api) -> None:
    content = jsonl(good_rows(50))
    key = secrets.token_hex(8)
    path = await create(api, {"Idempotency-Key": key})
    await send_cut(api, path, 0, content[:1_000])
    found = (await api.call("GET", f"/data/uploads?idempotency_key={key}")).json()["items"]
    assert [(each["state"], each["offset"]) for each in found] == [("open", 1_000)]
    # The whole again: what is there is compared, and the rest added.
    other = await post(api, b"x" + content[1:], idempotency_key=key)
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    answer = await post(api, content, idempotency_key=key)
    assert answer.json()["upload_id"] == path.rpartition("/")[2]
    assert (await api.call("GET", path)).json()["offset"] == len(content)


async def test_lengths_are_held_to(api: Api) -> None:
    path = await create(api, {"Upload-Length": "5"})
    assert_problem(await append(api, path, 0, b"123456"), 409, "UPLOAD_LENGTH_MISMATCH")
    assert (await append(api, path, 0, b"123")).status_code == 200
    assert_problem(await api.call("POST", f"{path}/complete"), 409, "UPLOAD_LENGTH_MISMATCH")
    assert (await append(api, path, 3, b"45", last=True)).status_code == 200
    wrong = await api.call(
        "POST",
        "/data?name=set&format=csv",
        content=_chunks(b"text,label\n"),
        headers={"Content-Length": "999"},
    )
    assert_problem(wrong, 400, "MALFORMED_REQUEST")


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_an_aborted_upload_leaves_nothing(
    api: Api, rows: asyncpg.Connection, database: Database, s3_server: S3Server
) -> None:
    path = await create(api)
    await append(api, path, 0, b"some bytes")
    (piece,) = await pieces(rows, path)
    store = ObjectStore(s3_server.bucket("shared-data"))
    assert await store.get(piece["key"]) == b"some bytes"
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.call("GET", path)).json()["state"] == "aborted"
    await tidy_datasets(database, store)
    prefix = piece["key"].rpartition("/")[0] + "/"
    assert await store.list(prefix) == []
    assert_problem(await append(api, path, 10, b"x"), 409, "UPLOAD_NOT_OPEN")


async def test_an_abandoned_upload_expires(
    api: Api, rows: asyncpg.Connection, database: Database, s3_server: S3Server
) -> None:
    path, fresh = await create(api), await create(api)
    for each in (path, fresh):
        await append(api, each, 0, b"some bytes")
    (piece,) = await pieces(rows, path)
    await rows.execute(
        "UPDATE uploads SET updated_at = now() - $2::interval WHERE id = $1",
        path.rpartition("/")[2],
        dataset_uploads.ABANDONED_AFTER + timedelta(minutes=1),
    )
    store = ObjectStore(s3_server.bucket("shared-data"))
    await tidy_datasets(database, store)
    assert (await api.call("GET", path)).json()["state"] == "expired"
    assert (await api.call("GET", fresh)).json()["state"] == "open"
    assert await store.list(piece["key"].rpartition("/")[0] + "/") == []
    assert len(await pieces(rows, fresh)) == 1


async def test_a_tenant_cannot_touch_an_upload_of_another(api: Api) -> None:
    path = await create(api)
    for call in (
        api.call("GET", path, tenant=api.stranger),
        api.call("DELETE", path, tenant=api.stranger),
        api.call("POST", f"{path}/complete", tenant=api.stranger),
        append(api, path, 0, b"x", tenant=api.stranger),
    ):
        assert_problem(await call, 404, "UPLOAD_NOT_FOUND")
    assert (await api.call("GET", "/data/uploads", tenant=api.stranger)).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "pointer", "message"),
    [
        ({}, "/name", "is needed"),
        ({"name": "Capital"}, "/name", "must be lower-case letters"),
        ({"name": "set", "licence": ""}, "/licence", "length >= 1"),
        ({"name": "set", "parents": "Capital:0"}, "/parents", ">= 1"),
    ],
)
async def test_a_refused_import_says_what_was_expected(
    api: Api, query: dict[str, str], pointer: str, message: str
) -> None:
    headers = {"Content-Type": "text/csv"}
    answer = await api.call("POST", "/data", params=query, content=b"", headers=headers)
    (error,) = assert_problem(answer, 422, "VALIDATION_FAILED")["errors"]
    assert error["pointer"] == pointer
    assert message in error["message"]
    assert "Capital" not in answer.text


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"name": ""}, 422, "VALIDATION_FAILED"),
        ({"name": "Capital"}, 422, "VALIDATION_FAILED"),
        ({"name": "uploads"}, 422, "VALIDATION_FAILED"),
        ({"name": "../x"}, 422, "VALIDATION_FAILED"),
        ({"name": "x" * 65}, 400, "MALFORMED_REQUEST"),
        ({"columns": "prompt"}, 422, "VALIDATION_FAILED"),
        ({"columns": "a:text,b:text"}, 422, "VALIDATION_FAILED"),
        ({"parents": "nothing:1"}, 422, "VALIDATION_FAILED"),
        ({"parents": "set:x"}, 422, "VALIDATION_FAILED"),
        ({"licence": "a\0b"}, 422, "VALIDATION_FAILED"),
        ({"licence": "MIT\n"}, 422, "VALIDATION_FAILED"),
        ({"purpose": "fun"}, 400, "MALFORMED_REQUEST"),
        ({"format": "xlsx"}, 400, "MALFORMED_REQUEST"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    api: Api, query: dict[str, str], status: int, code: str
) -> None:
    assert_problem(await post(api, b"{}", **query), status, code)


@pytest.mark.parametrize(
    ("query", "choices"),
    [
        ({"purpose": "fun"}, "must be one of training, evaluation"),
        ({"format": "xlsx"}, "must be one of jsonl, csv, parquet"),
    ],
)
async def test_a_refused_parameter_says_what_it_may_be(
    api: Api, query: dict[str, str], choices: str
) -> None:
    answer = assert_problem(await post(api, b"{}", **query), 400, "MALFORMED_REQUEST")
    assert answer["errors"] == [{"pointer": f"/{next(iter(query))}", "message": choices}]


async def test_bodies_that_cannot_be_taken(api: Api) -> None:
    async def send(headers: dict[str, str]) -> httpx.Response:
        return await api.call("POST", "/data?name=set", content=b"x", headers=headers)

    assert_problem(await send({"Content-Type": "image/png"}), 415, "UNSUPPORTED_MEDIA_TYPE")
    encoded = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    assert_problem(await send(encoded), 415, "UNSUPPORTED_MEDIA_TYPE")
    path = await create(api)
    answer = await api.call("PATCH", path, content=b"x", headers={"Upload-Offset": "0"})
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    for offset in ("", "-1", "1e3", "9" * 30):
        answer = await api.call(
            "PATCH", path, content=b"x", headers={**PARTIAL, "Upload-Offset": offset}
        )
        assert_problem(answer, 400, "MALFORMED_REQUEST")


async def test_only_objects_meant_to_be_imported_can_be(api: Api) -> None:
    async def ask(url: str) -> httpx.Response:
        return await api.call("POST", "/data", json={"name": "set", "url": url})

    for url in (
        "s3://shared-data/datasets/other/x.csv",
        "s3://shared-models/incoming/x.csv",
        "s3://shared-data/incoming/other-tenant/x.csv",
        f"s3://shared-data/incoming/{api.tenant}/../other/x.csv",
    ):
        assert_problem(await ask(url), 403, "URL_FORBIDDEN")
    assert_problem(await ask("https://example.org/x.csv"), 422, "VALIDATION_FAILED")
    answer = await ask(f"s3://shared-data/incoming/{api.tenant}/x.csv")
    assert answer.status_code == 202, answer.text


class NoGuard:
    """No feedback is asked for here."""

    def pages(self, tenant: str, walk: FeedbackWalk) -> AsyncGenerator[FeedbackPage]:
        raise NotImplementedError


async def test_an_upload_ends_at_the_largest_size(database: Database, s3_server: S3Server) -> None:
    uploads = Uploads(
        database,
        ObjectStore(s3_server.bucket("shared-data")),
        NoGuard(),
        ImportPlaces(frozenset(), "shared-data", "default"),
        max_bytes=10,
    )
    changer = Changer(secrets.token_hex(6), "key-1")
    request = ImportRequest("set", FileFormat.JSONL, "here", "MIT")
    with pytest.raises(UploadTooLarge):
        await uploads.create(changer, request, 11)
    upload = await uploads.create(changer, request, None)
    await uploads.append(changer, upload.id, 0, _chunks(b"12345"))
    with pytest.raises(UploadTooLarge):
        await uploads.append(changer, upload.id, 5, _chunks(b"12345", b"6"))
    assert (await uploads.find(changer.tenant, upload.id)).received == 5


async def test_a_store_that_is_away_leaves_the_upload_where_it_was(
    database: Database,
) -> None:
    with S3Server() as server:
        uploads = Uploads(
            database,
            ObjectStore(server.bucket("own"), timeout_s=10),
            NoGuard(),
            ImportPlaces(frozenset(), "own", "default"),
            max_bytes=1 << 30,
        )
        changer = Changer(secrets.token_hex(6), "key-1")
        request = ImportRequest("set", FileFormat.JSONL, "here", "MIT")
        upload = await uploads.create(changer, request, None)

        async def cut_off() -> AsyncIterator[bytes]:
            yield bytes(PIECE_BYTES)
            server.stop()
            yield bytes(PIECE_BYTES)

        with pytest.raises(StoreUnavailable):
            await uploads.append(changer, upload.id, 0, cut_off())
        assert (await uploads.find(changer.tenant, upload.id)).received == PIECE_BYTES
        server.start()
        upload = await uploads.append(changer, upload.id, PIECE_BYTES, _chunks(b"the rest"))
        assert (await uploads.complete(changer, upload.id)).received == PIECE_BYTES + 8
