"""The log of a job as lines, and what keeps its connection while there is nothing to log."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from training.api.jobs.stream import SILENCE_SECONDS, JobEvent, log_lines

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """Something that a job told."""

    kind: str
    data: str = "{}"
    id: int = 1
    at: datetime = AT


LOG = Event("log", '{"message": "rows read", "numbers": {"rows": 3}}')
LINE = b"2026-01-31T12:00:00.000Z rows read rows=3\n"


class Clock:
    """Goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def lines(happened: Sequence[tuple[float, JobEvent | None]]) -> list[bytes]:
    """What is sent when these events come, each so many seconds after the one before."""
    clock = Clock()

    async def events() -> AsyncIterator[JobEvent | None]:
        for pause_s, event in happened:
            clock.now += pause_s
            yield event

    return [line async for line in log_lines(events(), clock)]


async def test_a_silent_job_is_heard_as_an_empty_line() -> None:
    quiet = (SILENCE_SECONDS * 0.99, None)
    assert await lines([(0, LOG), quiet, quiet, (1, LOG)]) == [LINE, b"\n", b"\n", LINE]


async def test_a_job_that_tells_its_progress_alone_is_heard_as_an_empty_line() -> None:
    progress = (SILENCE_SECONDS / 3, Event("progress"))
    assert await lines([progress] * 7) == [b"\n", b"\n"]


async def test_what_is_logged_is_not_interspersed() -> None:
    progress = (SILENCE_SECONDS / 2, Event("progress"))
    log = (SILENCE_SECONDS / 3, LOG)
    assert await lines([log, progress, log, progress, log]) == [LINE] * 3
