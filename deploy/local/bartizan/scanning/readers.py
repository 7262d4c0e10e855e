"""The three formats: JSON Lines, CSV with a header, and one text a line."""

import csv
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from bartizan.errors import BartizanError
from bartizan.scanning.lines import MAX_LINE_BYTES, Line, lines
from bartizan.scanning.rows import BadRow, Item, Row, checked

Reader = Callable[[BinaryIO], Iterator[Item]]


class _Object(msgspec.Struct):
    text: str
    id: str | int | None = None


class _UnreadableLineError(Exception):
    def __init__(self, line: Line) -> None:
        super().__init__(line.reason)
        self.line = line


_decode = msgspec.json.Decoder(_Object).decode


def read_jsonl(stream: BinaryIO) -> Iterator[Item]:
    """An object a line with `text` and perhaps `id`; the rest, and blank lines, do not count."""
    for line in lines(stream):
        if line.text is None:
            yield BadRow(line.number, line.reason, line.end)
        elif line.text.strip():
            yield _from_json(line, line.text)


def _from_json(line: Line, text: str) -> Item:
    try:
        found = _decode(text)
    except msgspec.ValidationError as error:
        return BadRow(line.number, str(error), line.end)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return BadRow(line.number, "the line is not JSON", line.end)
    identifier = line.number if found.id is None else found.id
    return checked(Row(line.number, identifier, found.text, line.end))


def read_text(stream: BinaryIO) -> Iterator[Item]:
    """A text a line; blank lines are passed over."""
    for line in lines(stream):
        if line.text is None:
            yield BadRow(line.number, line.reason, line.end)
        elif line.text.strip():
            yield checked(Row(line.number, line.number, line.text, line.end))


def read_csv(stream: BinaryIO) -> Iterator[Item]:
    """RFC 4180 with a header that names a `text` column and perhaps an `id` column.

    Raises `BartizanError` where the header has none. A row is named by the line it begins on.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    source = _Source(stream)
    rows = csv.reader(source, strict=True)
    header = _header(rows)
    while True:
        begins = source.number + 1
        try:
            cells = next(rows, None)
        except _UnreadableLineError as error:
            yield BadRow(error.line.number, error.line.reason, error.line.end)
            continue
        except csv.Error as error:
            yield BadRow(begins, f"not CSV: {error}", source.end)
            continue
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}"
            yield BadRow(begins, reason, source.end)
            continue
        found = dict(zip(header, cells, strict=True))
        yield checked(Row(begins, found.get("id") or begins, found["text"], source.end))


class _Source(Iterator[str]):
    """The lines that the CSV reader takes, with how far it has come."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines(stream)
        self.number = self.end = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number, self.end = line.number, line.end
        if line.text is None:
            raise _UnreadableLineError(line)
        return line.text + "\n"


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
    except (csv.Error, _UnreadableLineError) as error:
        raise BartizanError(f"the CSV header cannot be read: {error}") from error
    if header.count("text") != 1:
        raise BartizanError("the CSV header must name exactly one column `text`")
    return header


READERS: dict[str, Reader] = {"jsonl": read_jsonl, "csv": read_csv, "text": read_text}
