"""Reads a segment from its beginning while it may still grow.

``SegmentReader(path, number)``: ``fill(limit, size)``, ``pending``, ``damaged``, ``loaded``.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from model_api.adapters.spool.frames import Damage, Record, scan


class SegmentReader:
    """``pending`` holds payloads that were read and not yet done with, ``damaged`` bytes that are
    no frame; ``loaded`` is how far into the file both of them reach."""

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self.pending: deque[bytes] = deque()
        self.damaged: list[bytes] = []
        self.loaded = 0
        self._path = path
        self._data = b""
        self._found: Iterator[Record | Damage] = iter(())

    def fill(self, limit: int, size: int) -> None:
        """Have ``limit`` payloads pending, or all up to ``size``, where a frame must end."""
        while len(self.pending) < limit:
            found = next(self._found, None)
            if found is None:
                if self.loaded >= size:
                    return
                self._load(size)
            elif isinstance(found, Record):
                self.pending.append(found.payload)
            else:
                self.damaged.append(self._data[found.start : found.end])

    def _load(self, size: int) -> None:
        with self._path.open("rb") as file:
            file.seek(self.loaded)
            self._data = file.read(size - self.loaded)
        # A file shorter than it should be has lost its end: there is no more to come.
        self.loaded = size
        self._found = scan(self._data)
