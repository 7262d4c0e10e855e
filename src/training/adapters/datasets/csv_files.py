"""Reads rows from CSV (RFC 4180) with a header; numbers them by the line where each begins."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from training.adapters.datasets.beginnings import lone_returns
from training.adapters.datasets.lines import line_blocks
from training.domain.datasets.columns import ColumnMapping, ColumnsInvalid, places
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.limits import MAX_RECORD_BYTES
from training.domain.datasets.reasons import Reason
from training.domain.datasets.rows import RowBatch, RowChecker

_DELIMITERS = (",", ";", "\t")
_MAX_REREAD_BYTES = 8 * MAX_RECORD_BYTES


class _TooLong(Exception):
    """A record that does not end."""


class _Lines:
    """Hands lines to the parser, and knows which the record being read has taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = line_blocks(chunks)
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._next = 1
        self._reread_bytes = 0
        self.taken: list[bytes] = []
        self._size = 0
        self.is_utf8 = True
        self._has_cut = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        while not self._waiting:
            block = next(self._blocks)
            if block.cut:
                self._waiting.extend(
                    (line, place in block.cut) for place, line in enumerate(block.lines)
                )
            else:
                self._waiting.extend((line, False) for line in block.lines)
        line, is_cut = self._waiting.popleft()
        self._next += 1
        self.taken.append(line)
        self._size += len(line) + 1
        if is_cut or self._size > MAX_RECORD_BYTES:
            self._has_cut = self._has_cut or is_cut
            raise _TooLong
        try:
            return line.decode() + "\n"
        except UnicodeDecodeError:
            self.is_utf8 = False
            return line.decode(errors="replace") + "\n"

    @property
    def row(self) -> int:
        """The number of the first line taken."""
        return self._next - len(self.taken)

    @property
    def raw(self) -> bytes:
        """The lines taken."""
        return self.taken[0] if len(self.taken) == 1 else b"\n".join(self.taken)

    def begin(self) -> None:
        """The next line begins a record."""
        self.taken = []
        self._size = 0
        self.is_utf8 = True
        self._has_cut = False

    def give_up(self) -> None:
        """Hand out again all lines of this record but the first: its quotes may be what is wrong.

        Raises FileInvalid where that happens over so many lines that it is the file's fault.
        """
        again, self.taken = self.taken[1:], self.taken[:1]
        self._reread_bytes += sum(map(len, again))
        if self._reread_bytes > _MAX_REREAD_BYTES:
            raise FileInvalid(
                f"The quotes of the file are wrong, from line {self.row} at the latest."
            )
        cut_place = len(again) - 1 if self._has_cut else -1
        self._waiting.extendleft(
            (line, place == cut_place) for place, line in reversed(list(enumerate(again)))
        )
        self._next -= len(again)


def read_csv(
    chunks: Iterable[bytes], mapping: ColumnMapping, checker: RowChecker
) -> Iterator[RowBatch]:
    """The rows of a file in batches. Commas, semicolons or tabs delimit, as the header tells.

    A record whose quotes are wrong is bad by itself: reading goes on with the line after its
    first. Raises FileInvalid where the header is not as it must be.
    """
    csv.field_size_limit(MAX_RECORD_BYTES + 1)
    lines = _Lines(chunks)
    found, delimiter, width = _header(lines, mapping)
    text, label = found["text"], found["label"]
    source, category = found.get("source"), found.get("category")
    batch = RowBatch()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            record = next(reader)
        except StopIteration:
            break
        except (csv.Error, _TooLong) as error:
            is_long = isinstance(error, _TooLong) and len(lines.taken) == 1
            reason = Reason.RECORD_TOO_LONG if is_long else Reason.INVALID_CSV
            lines.give_up()
            batch.reject(lines.row, reason, lines.raw)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if not record:
            continue
        if not lines.is_utf8:
            batch.reject(lines.row, Reason.INVALID_UTF8, lines.raw)
        elif len(record) != width:
            batch.reject(lines.row, Reason.WRONG_FIELD_COUNT, lines.raw)
        else:
            checker.add(
                batch,
                lines.row,
                record[text],
                record[label],
                None if source is None else record[source],
                None if category is None else record[category],
                lines.raw,
            )
        if batch.is_filled:
            yield batch
            batch = RowBatch()
    yield batch


def _header(lines: _Lines, mapping: ColumnMapping) -> tuple[dict[str, int], str, int]:
    """Where the fields are, what delimits them, and how many there are in each record."""
    written = ""
    try:
        while not written.strip():
            lines.begin()
            written = next(lines)
    except StopIteration:
        raise FileInvalid("The file is empty: send a header and a record for each row.") from None
    except _TooLong:
        raise FileInvalid("The first line, which must be the header, is too long.") from None
    if "\r" in written:
        raise lone_returns()
    if written.lstrip().startswith("{"):
        raise FileInvalid("The file looks like JSON Lines; import it with `format=jsonl`.")
    refusals: list[str] = []
    for delimiter in _DELIMITERS:
        try:
            header = [name.strip() for name in next(csv.reader([written], delimiter=delimiter))]
            return places(header, mapping), delimiter, len(header)
        except ColumnsInvalid as error:
            refusals.append(str(error))
        except csv.Error:
            refusals.append("its quotes are wrong")
    raise FileInvalid(f"The first line is not the header that it must be: {refusals[0]}.")
