"""Where the bytes of an import come from: each can be read twice, and says what it was."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from training.adapters.datasets.objects import read_parts
from training.adapters.object_store import ObjectMissing
from training.domain.datasets.version import Part
from training.domain.jobs.kinds import Objects


class Source(Protocol):
    """A file. `size` is in bytes, or None where nobody knows it."""

    @property
    def size(self) -> int | None: ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, from the beginning."""
        ...


class PieceLost(Exception):
    """The store has a piece of an upload no more; the message says which."""


class UploadedPieces:
    """What was uploaded, piece by piece."""

    def __init__(self, objects: Objects, pieces: Sequence[Part]) -> None:
        self._objects = objects
        self._pieces = pieces
        self.size: int | None = sum(piece.bytes for piece in pieces)

    def chunks(self) -> Iterator[bytes]:
        """Raises PieceLost, ObjectAltered, and what the store raises where it is away."""
        start = 0
        for number, piece in enumerate(self._pieces, 1):
            try:
                yield from read_parts(self._objects, [piece])
            except ObjectMissing:
                raise PieceLost(
                    f"Piece {number} of {len(self._pieces)} of the upload (its bytes from {start} "
                    f"to {start + piece.bytes - 1}) is no longer in the object store."
                ) from None
            start += piece.bytes


class Streamed:
    """Whatever can be opened again."""

    def __init__(self, open_stream: Callable[[], Iterable[bytes]], size: int | None) -> None:
        self._open = open_stream
        self.size = size

    def chunks(self) -> Iterator[bytes]:
        """Raises what opening raises."""
        return iter(self._open())


def copy_to(chunks: Iterable[bytes], path: Path) -> None:
    """Write them to disk; OSError where that is full."""
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


class Watched:
    """Counts and hashes what goes through it."""

    def __init__(self, source: Source, tell: Callable[[float], None]) -> None:
        self._source = source
        self._tell = tell
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def chunks(self) -> Iterator[bytes]:
        """The chunks of the source; `tell` hears which share of them has been read."""
        size = self._source.size
        for chunk in self._source.chunks():
            yield chunk
            self._sha256.update(chunk)
            self.bytes += len(chunk)
            self._tell(min(self.bytes / size, 1.0) if size else 0.0)

    @property
    def sha256(self) -> str:
        """That of all bytes so far, in hexadecimal."""
        return self._sha256.hexdigest()
