"""Reads rows from JSON Lines: one object a line, blank lines between them or not."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from training.adapters.datasets.lines import line_blocks
from training.domain.datasets.columns import FIELDS, IGNORED, ColumnMapping
from training.domain.datasets.reasons import Reason
from training.domain.datasets.rows import RowBatch, RowChecker


def read_jsonl(
    chunks: Iterable[bytes], mapping: ColumnMapping, checker: RowChecker
) -> Iterator[RowBatch]:
    """The rows of a file in batches; a row's number is that of its line."""
    decode = msgspec.json.Decoder(_row_type(mapping)).decode
    keys = [
        msgspec.json.encode(column)
        for column, meaning in mapping.meaning().items()
        if meaning != IGNORED
    ]
    batch = RowBatch()
    for block in line_blocks(chunks):
        for place, line in enumerate(block.lines):
            if not line or line.isspace():
                continue
            row = block.first + place
            if place in block.cut:
                batch.reject(row, Reason.RECORD_TOO_LONG, line)
                continue
            try:
                found = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                batch.reject(row, _fault(line, error), line)
                continue
            if any(line.count(key) > 1 for key in keys) and _repeats(line):
                batch.reject(row, Reason.REPEATED_COLUMN, line)
                continue
            checker.add(batch, row, found.text, found.label, found.source, found.category, line)
            if batch.is_filled:
                yield batch
                batch = RowBatch()
    yield batch


def _row_type(mapping: ColumnMapping) -> type[Any]:
    """A struct with the fields that a row has under the names of the file's columns."""
    names: dict[str, str] = {}
    fields: list[tuple[str, Any, Any]] = []
    for number, (column, meaning) in enumerate(mapping.meaning().items()):
        name = f"ignored_{number}" if meaning == IGNORED else meaning
        fields.append((name, Any, None))
        names[name] = column
    known = {name for name, _, _ in fields}
    for name in FIELDS:
        if name not in known:
            # A field that no column is left for: it has a name that no column can have.
            fields.append((name, Any, None))
            names[name] = f"{name}:"
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _repeats(line: bytes) -> bool:
    """Whether an object has a name twice, of which the decoder takes the last in silence. It is
    slow: for lines that hold a column's name more than once, be it as a value."""
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except RecursionError:
        return True
    return len({name for name, _ in pairs}) < len(pairs)


def _fault(line: bytes, error: Exception) -> Reason:
    try:
        line.decode()
    except UnicodeDecodeError:
        return Reason.INVALID_UTF8
    if str(error).startswith("Object contains unknown field"):
        return Reason.UNKNOWN_COLUMN
    return Reason.INVALID_JSON
