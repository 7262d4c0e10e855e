"""What a file to be scanned is made of."""

from dataclasses import dataclass

MAX_TEXT_BYTES = 1 << 20
"""The guard's own limit on one text, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text. `id` is the row's own, or else the number of its line, counted from 1."""

    line: int
    id: str | int
    text: str
    end: int = 0
    """Bytes of the input up to the end of this row: how far the reading is."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be judged; `reason` never quotes its content."""

    line: int
    reason: str
    end: int = 0


Item = Row | BadRow


def checked(row: Row) -> Item:
    """The row itself, or why its text cannot be judged."""
    try:
        size = len(row.text.encode())
    except UnicodeEncodeError:
        return BadRow(row.line, "the text holds half of a surrogate pair", row.end)
    if size > MAX_TEXT_BYTES:
        return BadRow(row.line, f"the text is {size:,} bytes, over {MAX_TEXT_BYTES:,}", row.end)
    return row
