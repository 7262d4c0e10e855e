"""The events of a job as they are sent: server-sent events, or lines of a log."""

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from training.domain.jobs.job import JobState

HEARTBEAT = b": still here\n\n"
EMPTY_LINE = b"\n"
"""No line of a log is empty, so that whoever reads one knows it for what it is."""
SILENCE_SECONDS = 15.0
"""After so long without a byte something is sent, or a proxy would take the connection for dead."""


class JobEvent(Protocol):
    """Something that a job told."""

    @property
    def id(self) -> int:
        """Grows within a job."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def kind(self) -> str:
        """`state`, `progress` or `log`."""
        ...

    @property
    def data(self) -> str:
        """A JSON object."""
        ...


class _State(msgspec.Struct):
    state: JobState


class _Line(msgspec.Struct):
    message: str
    numbers: dict[str, float | int | str] = {}


class JobFeed(Protocol):
    """Where the events of jobs come from."""

    def follow(
        self, job_id: UUID, after: int = 0, kind: str | None = None
    ) -> AsyncIterator[JobEvent | None]:
        """Events behind `after`; None when nothing came for a while."""
        ...

    def so_far(self, job_id: UUID, kind: str | None = None) -> AsyncIterator[JobEvent | None]:
        """The events that there are now."""
        ...

    async def ended_at(self, job_id: UUID) -> int | None:
        """The event with which the job has ended."""
        ...


async def until_end(feed: JobFeed, job_id: UUID, after: int = 0) -> AsyncIterator[JobEvent | None]:
    """Events behind `after` to the end of the job, which a retry postpones."""
    async for event in feed.follow(job_id, after):
        yield event
        if event is not None and _may_be_end(event) and await feed.ended_at(job_id) == event.id:
            return


async def server_sent(events: AsyncIterator[JobEvent | None]) -> AsyncIterator[bytes]:
    """The stream of `text/event-stream`; a comment keeps the connection when nothing comes."""
    # At once, so that a proxy passes the answer on.
    yield HEARTBEAT
    async for event in events:
        if event is None:
            yield HEARTBEAT
            continue
        data = f'{{"at":"{_moment(event.at)}",{event.data.strip()[1:]}'
        yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()


async def log_lines(
    events: AsyncIterator[JobEvent | None], clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[bytes]:
    """The lines of the log among the events; an empty one where there is nothing to log for long,
    whatever else the job tells meanwhile."""
    sent_at = clock()
    async for event in events:
        if event is not None and event.kind == "log":
            yield f"{_line(event)}\n".encode()
        elif event is None or clock() - sent_at >= SILENCE_SECONDS:
            yield EMPTY_LINE
        else:
            continue
        sent_at = clock()


def _line(event: JobEvent) -> str:
    """The moment, the message, its numbers."""
    line = msgspec.json.decode(event.data, type=_Line)
    words = [_moment(event.at), *line.message.split()]
    return " ".join([*words, *(f"{name}={value}" for name, value in line.numbers.items())])


def _may_be_end(event: JobEvent) -> bool:
    return event.kind == "state" and msgspec.json.decode(event.data, type=_State).state.is_terminal


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
