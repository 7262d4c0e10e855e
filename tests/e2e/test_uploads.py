"""An upload that breaks off is gone on with, through the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from e2e.jobs import Jobs
from e2e.journey import TRAINING
from e2e.labelled_rows import make_rows, write_csv
from e2e.waiting import until

NAME = "interrupted"
ROWS = 3_000
UPLOADS = f"{TRAINING}/data/uploads"
LICENCE = {"licence": "CC0-1.0"}


class BrokenOff(Exception):
    """The client is gone in the middle of a body."""


async def test_an_interrupted_upload_is_resumed_where_it_broke_off(
    api: httpx.AsyncClient, tmp_path: Path
) -> None:
    content = write_csv(tmp_path / "rows.csv", make_rows(41, ROWS)).read_bytes()
    begun = await api.post(
        UPLOADS,
        params={"name": NAME, **LICENCE},
        headers={"Content-Type": "text/csv", "Upload-Length": str(len(content))},
    )
    assert begun.status_code == 201, begun.text
    upload = f"{UPLOADS}/{begun.json()['id']}"

    with pytest.raises(BrokenOff):
        await _append(api, upload, 0, _breaking_off(content[: len(content) // 2]))
    offset = await _kept(api, upload)
    assert offset <= len(content) // 2
    assert (await api.get(f"{TRAINING}/data/{NAME}")).status_code == 404, "half of it is visible"
    early = await api.post(f"{upload}/complete")
    assert _refused(early) == (409, "UPLOAD_LENGTH_MISMATCH"), "it was taken for whole"
    # One byte short, so that its length is no reason to refuse it.
    elsewhere = await _append(api, upload, offset - 1, content[offset - 1 : -1])
    assert _refused(elsewhere) == (409, "UPLOAD_OFFSET_MISMATCH"), "it went on at another place"

    resumed = await _append(api, upload, offset, content[offset:], last=True)
    assert resumed.status_code == 200, resumed.text
    made = (await Jobs(api).succeeded(resumed.json()["job_id"]))["result"]
    assert made["version"] == 1
    # The same file in one piece is the same version: not a byte is missing, and none came twice.
    whole = await api.post(
        f"{TRAINING}/data",
        params={"name": NAME, **LICENCE},
        content=content,
        headers={"Content-Type": "text/csv", "Idempotency-Key": NAME},
    )
    assert whole.status_code == 202, whole.text
    same = (await Jobs(api).succeeded(whole.json()["job_id"]))["result"]
    assert (same["version"], same["digest"]) == (1, made["digest"])


async def _append(
    api: httpx.AsyncClient,
    upload: str,
    offset: int,
    content: bytes | AsyncIterator[bytes],
    *,
    last: bool = False,
) -> httpx.Response:
    headers = {
        "Content-Type": "application/partial-upload",
        "Upload-Offset": str(offset),
        "Upload-Complete": "?1" if last else "?0",
    }
    return await api.patch(upload, content=content, headers=headers)


def _refused(answer: httpx.Response) -> tuple[int, str | None]:
    """The status, and the code of the problem where there is one."""
    return answer.status_code, answer.json().get("code")


async def _breaking_off(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 16_384):
        yield content[start : start + 16_384]
    raise BrokenOff


async def _kept(api: httpx.AsyncClient, upload: str) -> int:
    """Where the upload goes on, once what came of the broken request is stored."""

    async def offset() -> int:
        answer = await api.head(upload)
        assert answer.status_code == 200
        assert answer.headers["upload-complete"] == "?0"
        return int(answer.headers["upload-offset"])

    return await until(offset, "some of the interrupted upload is kept")
