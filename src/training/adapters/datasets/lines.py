"""Cuts a stream of bytes into numbered lines, in bounded memory whatever the stream holds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.adapters.datasets.beginnings import check_beginning
from training.domain.datasets.limits import MAX_RAW_BYTES, MAX_RECORD_BYTES

_BLOCK_BYTES = 1 << 19


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines without their ends, from number `first` on. `cut` are the places of those that are
    longer than a record may be, of which only the beginning is there."""

    first: int
    lines: list[bytes]
    cut: frozenset[int] = frozenset()


def line_blocks(chunks: Iterable[bytes]) -> Iterator[LineBlock]:
    r"""The lines of a file, which end with `\n` or `\r\n`; a byte order mark is no part of them.

    Raises FileInvalid for what is no such text, as `check_beginning` does. What the last line ends
    with, if anything, does not matter.
    """
    number = 1
    pending = b""
    too_long = False
    for block in _blocks(chunks):
        end = block.rfind(b"\n")
        if too_long:
            if end < 0:
                continue
            start = block.index(b"\n")
            yield LineBlock(number, [pending], frozenset({0}))
            number, pending, too_long = number + 1, b"", False
            block = block[start + 1 :]
            end -= start + 1
        if end >= 0:
            lines = [_stripped(line) for line in (pending + block[:end]).split(b"\n")]
            yield LineBlock(number, lines)
            number += len(lines)
            pending = block[end + 1 :]
        else:
            pending += block
        if len(pending) > MAX_RECORD_BYTES:
            pending, too_long = pending[:MAX_RAW_BYTES], True
    if pending:
        yield LineBlock(number, [_stripped(pending)], frozenset({0} if too_long else ()))


def _stripped(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\r") else line


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of one size, the first without its mark: pieces of an upload may be
    of any size, and adding many small ones to a long line would take quadratic time."""
    is_first = True
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK_BYTES):
            part = chunk[start : start + _BLOCK_BYTES]
            waiting.append(part)
            size += len(part)
            if size >= _BLOCK_BYTES:
                yield check_beginning(b"".join(waiting)) if is_first else b"".join(waiting)
                is_first, waiting, size = False, [], 0
    if waiting:
        yield check_beginning(b"".join(waiting)) if is_first else b"".join(waiting)
