"""Which format an input has: by its name's ending, or by its beginning."""

import csv
from pathlib import PurePath
from typing import Protocol

import msgspec

from bartizan.errors import BartizanError

_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".txt": "text"}


class Peekable(Protocol):
    """A stream that can be looked into without consuming: `io.BufferedReader`, most often."""

    def peek(self, size: int, /) -> bytes: ...


def find_format(name: str, stream: Peekable) -> str:
    """`jsonl`, `csv` or `text`. Reads ahead without consuming.

    Raises `BartizanError` for what is none of them though it might look so.
    """
    start = stream.peek(1).removeprefix(b"\xef\xbb\xbf")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BartizanError(f"{name} is UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`")
    ending = PurePath(name).suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    first = start.lstrip().partition(b"\n")[0].strip()
    if ending == ".json" and first.startswith(b"["):
        raise BartizanError(f"{name} is one JSON array: give a line an object (`jq -c '.[]'`)")
    if first.startswith(b"{") and _is_object(first, whole=b"\n" in start):
        return "jsonl"
    return "csv" if _is_header(first) else "text"


def _is_object(line: bytes, *, whole: bool) -> bool:
    """A line cut off by the end of what was read ahead counts by its first brace."""
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except msgspec.DecodeError:
        return not whole


def _is_header(line: bytes) -> bool:
    if b"," not in line:
        return False
    cells = next(csv.reader([line.decode(errors="replace")]), [])
    return "text" in [cell.strip().lower() for cell in cells]
