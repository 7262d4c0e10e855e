"""Lines of a stream of any size, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE_BYTES = 8 << 20
"""A text of the largest size still fits when every character of it is escaped as \\uXXXX."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. `text` is None where `reason` says that it cannot be read."""

    number: int
    text: str | None
    end: int
    reason: str = ""


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line, numbered from 1. Longer ones than `MAX_LINE_BYTES` are skipped over, not held."""
    number = end = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        end += len(data)
        if len(data) > MAX_LINE_BYTES and not data.endswith(b"\n"):
            end += _skip(stream)
            yield Line(number, None, end, f"the line is longer than {MAX_LINE_BYTES:,} bytes")
            continue
        if number == 1:
            data = data.removeprefix(_BOM)
        data = data.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield Line(number, data.decode(), end)
        except UnicodeDecodeError:
            yield Line(number, None, end, "the line is not UTF-8")


def _skip(stream: BinaryIO) -> int:
    """Reads to the end of the line and answers how many bytes that took."""
    skipped = 0
    while data := stream.readline(MAX_LINE_BYTES):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped
