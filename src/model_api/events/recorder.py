"""Records predictions in groups: everything that waits goes into the next transaction.

``Recorder(database | None, spool, metrics, ...)`` is an async context manager:
``await record(predictions, sealed_texts, durable=...) -> Outcome`` or ``RecorderFull``;
``is_spooling``; ``is_running``. Leaving the context writes what is queued.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Self

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.frame import SealedText, encode
from model_api.adapters.spool.spool import Spool
from model_api.domain.prediction import Prediction
from model_api.events.outcome import Outcome, RecorderFull, RecorderMetrics
from model_api.events.replay import run_replay
from model_api.events.sink import Sink

MAX_GROUP = 512
MAX_GROUP_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class _Entry:
    frames: list[bytes]
    size: int
    written: asyncio.Future[Outcome] | None


class Recorder:
    """Group commit without waiting: an idle recorder writes at once, and what arrives while it
    writes makes up the next group, so that groups grow with the load and only with it."""

    def __init__(
        self,
        database: Database | None,
        spool: Spool,
        metrics: RecorderMetrics,
        *,
        max_queued_bytes: int = 32 * 1024 * 1024,
        write_timeout_s: float = 0.25,
        replay_timeout_s: float = 10.0,
    ) -> None:
        self._metrics = metrics
        self._max_queued_bytes = max_queued_bytes
        self._has_database = database is not None
        self._sink = Sink(
            database,
            spool,
            metrics,
            write_timeout_s=write_timeout_s,
            replay_timeout_s=replay_timeout_s,
            replay_batch=MAX_GROUP,
        )
        self._queue: deque[_Entry] = deque()
        self._queued_bytes = 0
        self._writing: list[_Entry] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None
        self._replayer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_all(), name="recorder")
        self._writer.add_done_callback(self._stopped)
        if self._has_database:
            self._replayer = asyncio.create_task(run_replay(self._sink), name="replay")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._wake.set()
        tasks = [task for task in (self._writer, self._replayer) if task is not None]
        if self._replayer is not None:
            self._replayer.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sink.aclose()

    @property
    def is_running(self) -> bool:
        """Whether records are being written at all; when not, only a restart helps."""
        tasks = (self._writer, self._replayer)
        return self._writer is not None and not any(task.done() for task in tasks if task)

    @property
    def is_spooling(self) -> bool:
        """Whether records go to the spool, the database being away or there being none."""
        return self._sink.is_spooling

    async def record(
        self,
        predictions: Sequence[Prediction],
        sealed_texts: Sequence[SealedText | None] = (),
        *,
        durable: bool,
    ) -> Outcome:
        """Record predictions, each with the sealed text at its place where there is one.

        A durable call returns when they are committed or on the spool's disk; the other kind at
        once, with QUEUED. RecorderFull when they were not taken.
        """
        if self._closing or not self.is_running:
            raise RecorderFull("the recorder is not running")
        texts = sealed_texts or repeat(None, len(predictions))
        frames = [encode(*pair) for pair in zip(predictions, texts, strict=True)]
        size = sum(map(len, frames))
        if self._queue and self._queued_bytes + size > self._max_queued_bytes:
            self._metrics.lost(len(frames))
            raise RecorderFull("too many records wait to be written")
        waiting = [self._put(group, durable) for group in _groups(frames)]
        if not durable:
            return Outcome.QUEUED
        outcomes = await asyncio.gather(*(future for future in waiting if future is not None))
        return Outcome.SPOOLED if Outcome.SPOOLED in outcomes else Outcome.COMMITTED

    def _put(self, frames: list[bytes], durable: bool) -> asyncio.Future[Outcome] | None:
        written = asyncio.get_running_loop().create_future() if durable else None
        size = sum(map(len, frames))
        self._queue.append(_Entry(frames, size, written))
        self._queued_bytes += size
        self._wake.set()
        return written

    async def _write_all(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            entries = self._writing = self._take()
            frames = [frame for entry in entries for frame in entry.frames]
            try:
                outcome = await self._sink.write(frames)
            except RecorderFull as error:
                for future in _waiting(entries):
                    future.set_exception(error)
            else:
                for future in _waiting(entries):
                    future.set_result(outcome)

    def _take(self) -> list[_Entry]:
        entries: list[_Entry] = []
        count = size = 0
        while self._queue:
            entry = self._queue[0]
            count, size = count + len(entry.frames), size + entry.size
            if entries and (count > MAX_GROUP or size > MAX_GROUP_BYTES):
                break
            entries.append(self._queue.popleft())
            self._queued_bytes -= entry.size
        return entries

    def _stopped(self, _: asyncio.Task[None]) -> None:
        # Nobody may be left waiting for a writer that is gone.
        for future in _waiting([*self._writing, *self._queue]):
            future.set_exception(RecorderFull("the recorder is not running"))
        self._queue.clear()


def _waiting(entries: Sequence[_Entry]) -> Iterator[asyncio.Future[Outcome]]:
    for entry in entries:
        if entry.written is not None and not entry.written.done():
            yield entry.written


def _groups(frames: list[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for frame in frames:
        if group and (len(group) == MAX_GROUP or size + len(frame) > MAX_GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(frame)
        size += len(frame)
    if group:
        yield group
