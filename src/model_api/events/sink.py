"""Takes groups of frames to the database, or to the spool while the database is away.

``Sink(database, spool, metrics, ...)``: ``write(frames) -> Outcome`` or ``RecorderFull``;
``replay()`` empties the spool; ``needs_replay`` is an event; ``is_spooling``; ``aclose()``.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from model_api.adapters.failures import DatabaseUnavailable, RowsRefused
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.writer import PredictionWriter
from model_api.adapters.spool.errors import SpoolFull, SpoolUnwritable
from model_api.adapters.spool.spool import Spool
from model_api.events.outcome import Outcome, RecorderFull, RecorderMetrics

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Sink:
    """One way in at a time: while anything is in the spool, new records queue up behind it.

    So the events of one process are published in the order of the answers, and the spool is
    emptied before the database is written to directly again. ``write_timeout_s`` is how long an
    answer waits for a database that hangs before its record goes to the spool.
    """

    def __init__(
        self,
        database: Database | None,
        spool: Spool,
        metrics: RecorderMetrics,
        *,
        write_timeout_s: float,
        replay_timeout_s: float,
        replay_batch: int,
    ) -> None:
        self._database = database
        self._spool = spool
        self._metrics = metrics
        self._write_timeout_s = write_timeout_s
        self._replay_timeout_s = replay_timeout_s
        self._replay_batch = replay_batch
        self._direct = None if database is None else PredictionWriter(database)
        self._replaying = None if database is None else PredictionWriter(database)
        self._disk = ThreadPoolExecutor(max_workers=2, thread_name_prefix="spool")
        self._changing = asyncio.Lock()
        self.needs_replay = asyncio.Event()
        if database is not None and not spool.is_empty:
            self.needs_replay.set()

    @property
    def is_spooling(self) -> bool:
        """Whether records go to the spool now."""
        return self._direct is None or self.needs_replay.is_set()

    async def write(self, frames: Sequence[bytes]) -> Outcome:
        """Keep the frames where they survive this process. RecorderFull."""
        started = time.perf_counter()
        outcome = await self._write(frames)
        self._metrics.recorded(outcome, len(frames), time.perf_counter() - started)
        return outcome

    async def replay(self) -> None:
        """Move what is in the spool to the database until nothing is left.

        Raises DatabaseUnavailable or SpoolUnwritable; what was moved by then stays moved.
        """
        if self._database is None or self._replaying is None:
            raise DatabaseUnavailable("there is none")
        await self._database.ping()
        while self.needs_replay.is_set():
            frames = await self._on_disk(self._spool.read, self._replay_batch)
            if frames:
                await self._insert(self._replaying, frames, self._replay_timeout_s)
                await self._on_disk(self._spool.advance, len(frames))
                self._metrics.replayed(len(frames))
                self._tell_spool()
                continue
            async with self._changing:
                if self._spool.is_empty:
                    self.needs_replay.clear()
                    _log.info("spool replayed")

    async def aclose(self) -> None:
        """Give up the connections; nothing is being written or replayed."""
        for writer in (self._direct, self._replaying):
            if writer is not None:
                writer.drop()
        self._disk.shutdown()

    async def _write(self, frames: Sequence[bytes]) -> Outcome:
        if self._direct is not None and not self.needs_replay.is_set():
            try:
                await self._insert(self._direct, frames, self._write_timeout_s)
            except DatabaseUnavailable as error:
                self.needs_replay.set()
                _log.warning("database unavailable, spooling", reason=str(error))
            else:
                return Outcome.COMMITTED
        # Between the replay's last look at the spool and its end nothing may be added.
        async with self._changing:
            try:
                await self._on_disk(self._spool.append, frames)
            except (SpoolFull, SpoolUnwritable) as error:
                self._metrics.lost(len(frames))
                raise RecorderFull(f"the spool cannot take it: {error}") from error
            if self._direct is not None:
                self.needs_replay.set()
        self._tell_spool()
        return Outcome.SPOOLED

    async def _insert(
        self, writer: PredictionWriter, frames: Sequence[bytes], timeout_s: float
    ) -> None:
        """Insert the frames; those that the database refuses for good go to the quarantine."""
        try:
            await writer.insert(frames, timeout_s)
        except RowsRefused as error:
            if len(frames) > 1:
                middle = len(frames) // 2
                await self._insert(writer, frames[:middle], timeout_s)
                await self._insert(writer, frames[middle:], timeout_s)
                return
            kept = await self._on_disk(self._spool.quarantine, frames[0])
            _log.error("record refused by the database", reason=str(error), quarantined=kept)
            self._tell_spool()

    async def _on_disk[*P, R](self, call: Callable[[*P], R], *args: *P) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *args)

    def _tell_spool(self) -> None:
        spool = self._spool
        self._metrics.spool(spool.size, spool.quarantined, spool.dropped_bytes)
