"""Reads rows from a Parquet file on disk, and writes the parts of a dataset version."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.compute as pc  # type: ignore[import-untyped]  # likewise
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise

from training.domain.datasets.columns import ColumnMapping, ColumnsInvalid, places
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.limits import MAX_RAW_BYTES, MAX_ROWS
from training.domain.datasets.rows import RowBatch, RowChecker

_BATCH_ROWS = 64
_BATCH_BYTES = 16 << 20
_READ_BYTES = 1 << 20
_MAX_STRING_BYTES = 64 << 20

SCHEMA = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
"""The columns of a part; `row` is the number that the row has in the file it came from."""


def read_parquet(path: Path, mapping: ColumnMapping, checker: RowChecker) -> Iterator[RowBatch]:
    """The rows of a file in batches, numbered from 1. Raises FileInvalid."""
    try:
        yield from _rows(path, mapping, checker)
    except MemoryError:
        # Arrow's own is an ArrowException too, and no fault of the file.
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileInvalid(
            f"The file cannot be read as Parquet ({type(error).__name__})."
        ) from error


def _rows(path: Path, mapping: ColumnMapping, checker: RowChecker) -> Iterator[RowBatch]:
    columns, strings = _columns(path, mapping)
    row = 1
    batch = RowBatch()
    for piece in _pieces(path, list(columns.values()), strings):
        values = {field: _values(piece.column(name)) for field, name in columns.items()}
        nothing = [None] * piece.num_rows
        for record in zip(
            values["text"],
            values["label"],
            values.get("source", nothing),
            values.get("category", nothing),
            strict=True,
        ):
            checker.add(batch, row, *record, raw=_Raw(record))
            row += 1
            if batch.is_filled:
                yield batch
                batch = RowBatch()
    yield batch


def _pieces(path: Path, names: list[str], strings: list[str]) -> Iterator[pa.RecordBatch]:
    """The columns of these names, a few rows at a time, so that they fit into the memory."""
    reading = {"buffer_size": _READ_BYTES, "pre_buffer": False}
    with (
        pq.ParquetFile(path, **reading) as file,
        pq.ParquetFile(path, read_dictionary=strings, **reading) as words,
    ):
        for group in range(file.num_row_groups):
            yield from file.iter_batches(
                _rows_at_once(words, group, strings),
                row_groups=[group],
                columns=names,
                use_threads=False,
            )


def _rows_at_once(file: pq.ParquetFile, group: int, strings: list[str]) -> int:
    """How many rows of a row group to read at once: a few kilobytes may hold gigabytes of text.

    A row has the mean size of its column's values, or that of the longest word in its dictionary,
    which a few bytes can name a million times. The dictionary comes with the first row.
    """
    metadata = file.metadata.row_group(group)
    columns = [metadata.column(place) for place in range(metadata.num_columns)]
    sizes = {each.path_in_schema: each.total_uncompressed_size for each in columns}
    expected = max((sizes[name] // max(metadata.num_rows, 1) for name in strings), default=0)
    for first in file.iter_batches(1, row_groups=[group], columns=strings, use_threads=False):
        lengths = [pc.max(pc.binary_length(each.dictionary)).as_py() or 0 for each in first.columns]
        expected = max(expected, *lengths)
        break
    return min(max(_BATCH_BYTES // max(expected, 1), 1), _BATCH_ROWS)


def _columns(path: Path, mapping: ColumnMapping) -> tuple[dict[str, str], list[str]]:
    """The column of each field, and which of them hold strings; FileInvalid."""
    with pq.ParquetFile(path, thrift_string_size_limit=_MAX_STRING_BYTES) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise FileInvalid(f"The file has more than {MAX_ROWS:,} rows.")
        schema = file.schema_arrow
    names = list(schema.names)
    try:
        found = places(names, mapping)
    except ColumnsInvalid as error:
        raise FileInvalid(f"The columns are not as they must be: {error}.") from None
    columns = {field: names[place] for field, place in found.items()}
    for field, name in columns.items():
        _check_type(field, schema.field(name).type)
    strings = [name for name in columns.values() if _is_text(schema.field(name).type)]
    return columns, strings


class _Raw:
    """A record as JSON, made when it is asked for; of a long text the beginning."""

    __slots__ = ("_record",)

    def __init__(self, record: tuple[Any, ...]) -> None:
        self._record = record

    def __call__(self) -> bytes:
        text, label, source, category = self._record
        if isinstance(text, str):
            text = text[:MAX_RAW_BYTES]
        try:
            return msgspec.json.encode(
                {"text": text, "label": label, "source": source, "category": category}
            )
        except (UnicodeEncodeError, TypeError):
            return b""


def _check_type(field: str, kind: pa.DataType) -> None:
    is_number = pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind)
    if not (_is_text(kind) or (field == "label" and is_number)):
        raise FileInvalid(f"The column of the {field} has the type {str(kind)[:64]}.")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _values(column: pa.Array) -> Sequence[Any]:
    if not pa.types.is_dictionary(column.type):
        plain: list[Any] = column.to_pylist()
        return plain
    # Only the words that stand here: the dictionary is that of the whole row group.
    used = column.indices.unique().drop_null()
    words = dict(zip(used.to_pylist(), column.dictionary.take(used).to_pylist(), strict=True))
    return [None if place is None else words[place] for place in column.indices.to_pylist()]


def encode_part(
    texts: list[str], labels: list[int], sources: list[str], categories: list[str], rows: list[int]
) -> bytes:
    """One part of a dataset version as a Parquet file."""
    arrays = [
        pa.array(values, field.type)
        for values, field in zip((texts, labels, sources, categories, rows), SCHEMA, strict=True)
    ]
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=SCHEMA),
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=["source", "category"],
    )
    return sink.getvalue()


def decode_part(content: bytes) -> dict[str, list[Any]]:
    """The columns of a part."""
    table = pq.read_table(pa.BufferReader(content), schema=SCHEMA, use_threads=False)
    columns: dict[str, list[Any]] = table.to_pydict()
    return columns
