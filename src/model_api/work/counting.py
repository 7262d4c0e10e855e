"""Counts what each version does, and writes it to the database about once a second.

``Counting(counters | None)`` is an async context manager: ``now(version, role) -> Tally`` to
count in; ``disagreed(disagreement)``.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Self
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from model_api.adapters.deployments.counters import DeploymentCounters
from model_api.adapters.failures import DatabaseUnavailable, RowsRefused
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.routing import Role
from model_api.domain.deployments.tally import Second, Tally, TallyBook

MAX_DISAGREEMENTS = 100
"""Kept of one second; beyond them they are counted only."""

_MAX_SECONDS_A_BATCH = 300
_TIDY_S = 300.0
_LATENESS_S = 0.05
"""A timer may be early: a second is looked for when it is over for certain."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

type _Batch = tuple[UUID, list[Second], list[Disagreement]]


class Counting:
    """Without a database what is counted is dropped, second by second; while it is away, kept."""

    def __init__(
        self,
        counters: DeploymentCounters | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counters = counters
        self._clock = clock
        self._book = TallyBook()
        self._disagreements: list[Disagreement] = []
        self._waiting: list[Second] = []
        self._batch: _Batch | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_writing(), name="counting")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        # The last second has not ended, and yet nothing is added to it any more.
        await self.write(before=int(self._clock()) + 1)

    def now(self, version: str, role: Role) -> Tally:
        """Where to count now; to be used at once."""
        return self._book.of(int(self._clock()), version, role)

    def disagreed(self, disagreement: Disagreement) -> None:
        """Keep an example of a disagreement, where there are not too many."""
        if len(self._disagreements) < MAX_DISAGREEMENTS:
            self._disagreements.append(disagreement)

    async def _keep_writing(self) -> None:
        tidied_at = time.monotonic()
        while True:
            now = self._clock()
            await asyncio.sleep(1 - now % 1 + _LATENESS_S)
            await self.write(before=int(self._clock()))
            if self._counters is not None and time.monotonic() - tidied_at > _TIDY_S:
                tidied_at = time.monotonic()
                try:
                    await self._counters.tidy()
                except (DatabaseUnavailable, RowsRefused) as error:
                    _log.warning("counters not tidied", reason=str(error))

    async def write(self, before: int) -> None:
        """Write what was counted in the seconds before ``before``, or keep it for the next time."""
        if self._counters is None:
            self._book.take(before)
            self._disagreements.clear()
            return
        while (batch := self._next(before)) is not None:
            try:
                await self._counters.write(*batch)
            except DatabaseUnavailable as error:
                _log.debug("counters not written", reason=str(error))
                return
            except RowsRefused as error:
                _log.error("counters refused", reason=str(error))
            self._batch = None

    def _next(self, before: int) -> _Batch | None:
        """The batch that failed before, as it was, or else a new one."""
        if self._batch is None:
            seconds: Sequence[Second] = self._waiting or self._book.take(before)
            self._waiting = list(seconds[_MAX_SECONDS_A_BATCH:])
            if seconds or self._disagreements:
                now, self._disagreements = self._disagreements, []
                self._batch = (uuid7(), list(seconds[:_MAX_SECONDS_A_BATCH]), now)
        return self._batch
