"""Where records wait on disk for the database.

``Spool(directory, max_bytes, ...)`` is a context manager (``SpoolInUse`` when another process has
the directory, ``SpoolUnwritable``): ``append(payloads)`` returns when they are on the disk, or
raises ``SpoolFull`` or ``SpoolUnwritable``; ``read(limit) -> list[bytes]`` gives the oldest;
``advance(count)`` forgets as many; ``quarantine(payload)``; ``is_empty``, ``size``.

Methods block on the disk. One thread may append while another reads and advances.
"""

import fcntl
import os
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Self

from model_api.adapters.spool.errors import SpoolFull, SpoolInUse, SpoolUnwritable
from model_api.adapters.spool.frames import pack
from model_api.adapters.spool.quarantine import Quarantine
from model_api.adapters.spool.reader import SegmentReader
from model_api.adapters.spool.segment import Segment, sync_directory

DEFAULT_SEGMENT_BYTES = 4 * 1024 * 1024


class Spool:
    """Append-only segments, replayed from the oldest; a segment goes when all of it is done.

    ``drop_oldest`` makes room in a full spool by giving up its oldest segment: for a service
    without a database, whose spool nobody reads. Otherwise a full spool refuses. How far a segment
    has been replayed is not kept: after a crash it is replayed from its beginning, which must be
    harmless. After a crash, too, the frame that was being written lands in the quarantine: it
    cannot be told from one that was damaged later.
    """

    def __init__(
        self,
        directory: Path,
        max_bytes: int,
        *,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        drop_oldest: bool = False,
    ) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._drop_oldest = drop_oldest
        self._quarantine = Quarantine(directory / "quarantine", max_bytes // 4)
        self._mutex = threading.Lock()
        self._owner: int | None = None
        self._sizes: dict[int, int] = {}
        self._next = 1
        self._active: Segment | None = None
        self._reader: SegmentReader | None = None
        self.quarantined = 0
        self.dropped_bytes = 0

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock()
            for path in self.directory.glob("*.segment"):
                self._sizes[int(path.stem)] = path.stat().st_size
        except OSError as error:
            self._unlock()
            raise SpoolUnwritable(f"{self.directory}: {error.strerror}") from error
        # Always a new segment: what a crash left of the last one stays as it is.
        self._next = max(self._sizes, default=0) + 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            self._seal()
            self._unlock()

    @property
    def size(self) -> int:
        """Bytes of all segments, those in progress counted whole."""
        with self._mutex:
            return sum(self._sizes.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be replayed."""
        return not self._sizes

    def append(self, payloads: Sequence[bytes]) -> None:
        """Put all payloads on the disk, or none. SpoolFull, SpoolUnwritable."""
        data = b"".join(map(pack, payloads))
        with self._mutex:
            self._make_room(len(data))
            try:
                segment = self._writable()
                segment.append(data)
            except OSError as error:
                if self._active is not None and not self._active.is_sound:
                    self._seal()
                raise SpoolUnwritable(error.strerror or type(error).__name__) from error
            self._sizes[segment.number] = segment.size

    def read(self, limit: int) -> list[bytes]:
        """Up to ``limit`` of the oldest payloads; empty when there are none. SpoolUnwritable."""
        while True:
            with self._mutex:
                number = min(self._sizes, default=None)
                size = self._sizes[number] if number is not None else 0
            if number is None:
                return []
            reader = self._reader
            if reader is None or reader.number != number:
                reader = self._reader = SegmentReader(self._path(number), number)
            try:
                reader.fill(limit, size)
                while reader.damaged:
                    self.quarantine(reader.damaged.pop())
                if reader.pending:
                    return list(islice(reader.pending, limit))
                self._finish(reader)
            except OSError as error:
                raise SpoolUnwritable(error.strerror or type(error).__name__) from error

    def advance(self, count: int) -> None:
        """Forget the first ``count`` payloads of what ``read`` returned last."""
        if self._reader is None:
            return
        for _ in range(count):
            self._reader.pending.popleft()
        if not self._reader.pending:
            # The next read looks for more, or removes the segment.
            self.read(1)

    def quarantine(self, data: bytes) -> bool:
        """Set aside what can never be stored; False when even that failed."""
        self.quarantined += 1
        return self._quarantine.keep(data)

    def _finish(self, reader: SegmentReader) -> None:
        with self._mutex:
            if self._sizes[reader.number] > reader.loaded:
                return
            if self._active is not None and self._active.number == reader.number:
                self._seal()
            self._remove(reader.number)

    def _make_room(self, wanted: int) -> None:
        while sum(self._sizes.values()) + wanted > self._max_bytes:
            if not (self._drop_oldest and self._sizes):
                raise SpoolFull(f"it holds its {self._max_bytes} bytes")
            oldest = min(self._sizes)
            if self._active is not None and self._active.number == oldest:
                self._seal()
            self.dropped_bytes += self._sizes[oldest]
            self._remove(oldest)

    def _remove(self, number: int) -> None:
        self._path(number).unlink(missing_ok=True)
        sync_directory(self.directory)
        del self._sizes[number]

    def _writable(self) -> Segment:
        if self._active is not None and self._active.size >= self._segment_bytes:
            self._seal()
        if self._active is None:
            self._active = Segment(self._path(self._next), self._next)
            self._next += 1
        return self._active

    def _seal(self) -> None:
        if self._active is not None:
            self._active.close()
            self._active = None

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:012}.segment"

    def _lock(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._owner = os.open(self.directory / "lock", flags, 0o600)
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._unlock()
            raise SpoolInUse(f"another process uses {self.directory}") from None

    def _unlock(self) -> None:
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None
