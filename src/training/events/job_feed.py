"""The events of running jobs for any number of listeners, on one connection that listens.

``JobFeed(database)``: ``run()`` as a background task, ``follow(job_id, after)``.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from training.adapters.failures import DatabaseUnavailable
from training.adapters.jobs.changes import EVENTS_CHANNEL
from training.adapters.jobs.event_log import JobEvent, JobEventLog
from training.adapters.jobs.notices import JobNotices
from training.adapters.postgres import Database

_BATCH = 200
_CHECK_S = 1.0

log = logging.getLogger(__name__)


class JobFeed:
    """Listeners read the events from the database; a notice says when there is something to read.

    A notice may be lost with its connection, so that after each connecting all listeners look.
    """

    def __init__(
        self, database: Database, is_draining: Callable[[], bool], *, idle_s: float = 15.0
    ) -> None:
        self._is_draining = is_draining
        self._events = JobEventLog(database)
        self._notices = JobNotices(database, EVENTS_CHANNEL, self._heard)
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._idle_s = idle_s

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the connection that listens, until `stop` is set."""
        try:
            while not stop.is_set():
                try:
                    if await self._notices.connect() or self._is_draining():
                        self._wake_all()
                except DatabaseUnavailable as error:
                    log.warning("job events are late", extra={"reason": str(error)})
                await asyncio.sleep(_CHECK_S)
        finally:
            self._notices.close()

    async def follow(
        self, job_id: UUID, after: int = 0, kind: str | None = None
    ) -> AsyncIterator[JobEvent | None]:
        """Events behind `after` until this process drains; None when nothing came for a while.

        While the database is away nothing comes.
        """
        heard = asyncio.Event()
        # Before the first look, or what comes in between would be missed.
        self._listeners[str(job_id)].add(heard)
        try:
            while not self._is_draining():
                heard.clear()
                for event in await self._read(job_id, after, kind):
                    yield event
                    after = event.id
                    heard.set()
                if not await self._wait(heard):
                    yield None
        finally:
            self._listeners[str(job_id)].discard(heard)
            if not self._listeners[str(job_id)]:
                del self._listeners[str(job_id)]

    async def so_far(self, job_id: UUID, kind: str | None = None) -> AsyncIterator[JobEvent | None]:
        """The events that there are now; DatabaseUnavailable."""
        after = 0
        while found := await self._events.after(job_id, after, limit=_BATCH, kind=kind):
            for event in found:
                yield event
            after = found[-1].id

    async def ended_at(self, job_id: UUID) -> int | None:
        """The event with which the job has ended; DatabaseUnavailable."""
        return await self._events.ended_at(job_id)

    async def _read(self, job_id: UUID, after: int, kind: str | None) -> list[JobEvent]:
        try:
            return await self._events.after(job_id, after, limit=_BATCH, kind=kind)
        except DatabaseUnavailable:
            return []

    async def _wait(self, heard: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(self._idle_s):
                await heard.wait()
        except TimeoutError:
            return False
        return True

    def _heard(self, job_id: str) -> None:
        for listener in self._listeners.get(job_id, ()):
            listener.set()

    def _wake_all(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.set()
