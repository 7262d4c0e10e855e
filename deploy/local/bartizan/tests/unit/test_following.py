"""Following a job through streams that break."""

from collections.abc import Iterator

import httpx
import pytest

from bartizan.gateway import following
from bartizan.gateway.following import follow
from bartizan.gateway.gateway import Gateway
from bartizan.gateway.shapes import Progress

JOB = "01a20595"


def event(number: int, fraction: float) -> str:
    data = f'{{"at":"2026-01-01T00:00:00Z","fraction":{fraction},"step":"fold {number}"}}'
    return f"id: {number}\nevent: progress\ndata: {data}\n\n"


class Breaking(httpx.SyncByteStream):
    """A stream that ends in the middle of an event."""

    def __init__(self, whole: str) -> None:
        self._whole = whole

    def __iter__(self) -> Iterator[bytes]:
        yield f": still here\n\n{self._whole}id: 9\nevent: prog".encode()
        raise httpx.ReadError("broken")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0)


def test_a_broken_stream_is_taken_up_after_its_last_event() -> None:
    asked: list[str | None] = []
    states = iter(["running", "running", "succeeded"])

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, json={"id": JOB, "kind": "train", "state": next(states)})
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 1:
            return httpx.Response(200, stream=Breaking(event(1, 0.1) + event(2, 0.2)))
        if len(asked) == 2:
            return httpx.Response(503)
        return httpx.Response(200, content=event(3, 1.0))

    told: list[Progress] = []
    transport = httpx.MockTransport(answer)
    with httpx.Client(base_url="http://gateway", transport=transport) as client:
        job = follow(Gateway(client), JOB, told.append)
    assert job.state == "succeeded"
    assert asked == [None, "2", "2"]
    assert [progress.step for progress in told] == ["fold 1", "fold 2", "fold 3"]


def test_a_job_that_waits_says_for_what() -> None:
    def state(number: int, facts: str) -> str:
        return f"id: {number}\nevent: state\ndata: {{{facts}}}\n\n"

    away = '"state":"queued","error":{"code":"postponed","message":"The store is away."}'
    events = state(1, '"state":"queued"') + state(2, '"state":"running"') + state(3, away)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, text=events + event(4, 0.5))
        return httpx.Response(200, json={"id": JOB, "kind": "train", "state": "succeeded"})

    told: list[Progress] = []
    transport = httpx.MockTransport(answer)
    with httpx.Client(base_url="http://gateway", transport=transport) as client:
        follow(Gateway(client), JOB, told.append)
    assert [progress.step for progress in told] == ["waits. The store is away.", "fold 4"]
