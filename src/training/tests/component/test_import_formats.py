"""The same rows from any format and any place are the same content; hostile files are refused."""

import csv
import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise
import pytest
from numpy.typing import NDArray

from training.adapters.datasets.objects import ObjectWriter
from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Connection, Database
from training.domain.datasets.files import FileFormat, FileInvalid
from training.domain.datasets.version import ImportRequest
from training.domain.jobs.kinds import JobFailed
from training.tests.support.api import Api
from training.tests.support.data import Importer, jsonl, post, rows
from training.tests.support.database import TestDatabase
from training.tests.support.s3_server import S3Server
from training.work.imports import pieces
from training.work.imports.kind import ImportKind
from training.work.imports.rows import import_rows


async def _nothing_protected(_: Connection, __: str) -> NDArray[np.uint64]:
    return np.zeros(0, np.uint64)


@pytest.fixture
async def importer(
    shared_database: TestDatabase, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Importer]:
    def bucket(name: str) -> BlockingObjectStore:
        return BlockingObjectStore(s3_server.bucket(name))

    async with Database(shared_database.url, shared_database.password) as database:
        kind = ImportKind(_nothing_protected, bucket)
        yield Importer(database, kind, bucket("shared-data"), tmp_path)


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def as_csv(found: list[dict[str, Any]]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, ["label", "text"])
    writer.writeheader()
    writer.writerows(found)
    return sink.getvalue().encode()


async def test_the_format_does_not_change_the_content(api: Api, importer: Importer) -> None:
    found = rows(300)
    texts = [row["text"] for row in found]
    as_jsonl = await importer.load(api, jsonl(found))
    for content, query in (
        (as_csv(found), {"format": "csv"}),
        (parquet(text=texts, label=[row["label"] for row in found]), {"format": "parquet"}),
        (
            parquet(
                prompt=pa.array(texts).dictionary_encode(),
                bad=[bool(row["label"]) for row in found],
                notes=[[1]] * len(found),
            ),
            {"format": "parquet", "columns": "prompt:text,bad:label,notes:"},
        ),
    ):
        result = await importer.load(api, content, **query)
        assert (result["digest"], result["already_present"]) == (as_jsonl["digest"], True)


async def test_an_object_of_the_platforms_own_store_is_imported(
    api: Api, importer: Importer
) -> None:
    key = f"incoming/{api.tenant}/rows.jsonl"
    importer.objects.put(key, jsonl(rows(20)))
    url = f"s3://shared-data/{key}"
    answer = await api.call("POST", "/data", json={"name": "from-store", "url": url})
    assert answer.status_code == 202, answer.text
    result = await importer.run(api, answer.json()["job_id"])
    shown = (await api.call("GET", "/data/from-store/versions/1")).json()
    assert (result["rows"], shown["lineage"]["origin"]["url"]) == (20, url)
    missing = {"name": "from-store", "url": url.replace("rows", "none")}
    answer = await api.call("POST", "/data", json=missing)
    with pytest.raises(JobFailed) as failure:
        await importer.run(api, answer.json()["job_id"])
    assert failure.value.code == "file-missing"


BOMB = "\n" * 200_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PAR1 but not really PAR1", "cannot be read as Parquet"),
        (parquet(text=["a"], label=[1])[:-9], "cannot be read as Parquet"),
        (parquet(text=[1], label=[1]), "column of the text has the type int64"),
        (parquet(text=["a"], label=[[1]]), "column of the label has the type list"),
        (parquet(text=["a"]), "no column for label"),
        (parquet(text=["a"], label=[1], more=[1]), "column 3"),
        (parquet(text=pa.array([], pa.string()), label=pa.array([], pa.int64())), "no records"),
        (parquet(text=[BOMB] * 5_000, label=[1] * 5_000), "empty_text in 5000"),
    ],
    ids=["no parquet", "cut", "text", "label", "no label", "unknown", "empty", "bomb"],
)
async def test_hostile_parquet_is_refused(
    api: Api, importer: Importer, content: bytes, said: str
) -> None:
    """The bomb is 5 kB for a gigabyte of text."""
    answer = await post(api, content, format="parquet")
    with pytest.raises(JobFailed, match=said) as failure:
        await importer.run(api, answer.json()["job_id"])
    assert failure.value.code == "file-invalid"


async def test_bad_rows_of_parquet_are_counted_from_1(api: Api, importer: Importer) -> None:
    content = parquet(text=["a", None, "c", "\0"], label=[0.0, 1.0, 0.5, 1.0])
    result = await importer.load(api, content, format="parquet")
    report = (await api.call("GET", "/data/set/versions/1/report")).json()
    assert result["rows"] == 1
    assert {each["reason"]: each["rows"] for each in report["findings"]} == {
        "missing_text": [2],
        "invalid_label": [3],
        "nul_character": [4],
    }


async def test_a_full_disk_is_said(
    api: Api, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await post(api, parquet(text=["a"], label=[1]), format="parquet")
    job_id = answer.json()["job_id"]
    importer.scratch.joinpath(job_id).mkdir()
    importer.scratch.joinpath(job_id, "upload.parquet").symlink_to("/dev/full")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    with pytest.raises(JobFailed) as failure:
        await importer.run(api, job_id)
    assert failure.value.code == "disk-full"


class LocalFile:
    """A file on disk, as a source."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size: int | None = path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        yield self._path.read_bytes()


class Kept:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, content: bytes) -> None:
        self.objects[key] = content

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def delete(self, key: str) -> None:
        del self.objects[key]

    def list(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (FileFormat.JSONL, jsonl(rows(20))),
        (FileFormat.CSV, as_csv(rows(20))),
        (FileFormat.PARQUET, parquet(text=["a", "b"], label=[0, 1])),
    ],
)
def test_the_origin_of_a_version_is_the_file(
    tmp_path: Path, kind: FileFormat, content: bytes
) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)
    request = ImportRequest("x", kind, "here", "MIT")
    nothing = np.zeros(0, np.uint64)
    made = import_rows(
        request, LocalFile(path), ObjectWriter(Kept(), "p/"), nothing, tmp_path, lambda *_: None
    )
    assert made.origin_sha256 == hashlib.sha256(content).hexdigest()
    assert made.origin_bytes == len(content)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (FileFormat.JSONL, jsonl(rows(20_000))),
        (
            FileFormat.PARQUET,
            parquet(text=[row["text"] for row in rows(20_000)], label=[1] * 20_000),
        ),
    ],
    ids=["jsonl", "parquet"],
)
def test_an_import_tells_how_far_it_is(tmp_path: Path, kind: FileFormat, content: bytes) -> None:
    class InPieces(LocalFile):
        def chunks(self) -> Iterator[bytes]:
            for start in range(0, len(content), 100_000):
                yield content[start : start + 100_000]

    path = tmp_path / "rows"
    path.write_bytes(content)
    told: list[tuple[float, str]] = []
    request = ImportRequest("x", kind, "here", "MIT")
    nothing = np.zeros(0, np.uint64)
    import_rows(
        request,
        InPieces(path),
        ObjectWriter(Kept(), "p/"),
        nothing,
        tmp_path,
        lambda share, step: told.append((share, step)),
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    for step in ("reading", "writing"):
        assert len({share for share, each in told if each == step}) >= 3, step


async def test_a_lost_piece_of_an_upload_is_named(
    api: Api, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1_000)
    content = jsonl(rows(30))
    answer = await post(api, content)
    job = await importer.job(api, answer.json()["job_id"])
    async with importer.database.transaction() as connection:
        keys = [each["key"] for each in (await importer.kind.prepare(connection, job))["pieces"]]
    importer.objects.delete(keys[1])
    with pytest.raises(JobFailed, match="Idempotency-Key") as failure:
        await importer.run(api, answer.json()["job_id"])
    assert failure.value.code == "upload-lost"
    where = f"Piece 2 of {len(keys)} of the upload (its bytes from 1000 to 1999) is no longer in"
    assert str(failure.value).startswith(where)


def test_a_file_that_changes_between_its_two_readings_is_refused(tmp_path: Path) -> None:
    class Changing(LocalFile):
        readings = 0

        def chunks(self) -> Any:
            self.readings += 1
            yield jsonl(rows(10, first=self.readings))

    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")
    request = ImportRequest("x", FileFormat.JSONL, "here", "MIT")
    writer = ObjectWriter(Kept(), "p/")
    nothing = np.zeros(0, np.uint64)
    with pytest.raises(FileInvalid, match="changed while it was read"):
        import_rows(request, Changing(path), writer, nothing, tmp_path, lambda *_: None)
