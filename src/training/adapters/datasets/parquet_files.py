"""Reads rows from a Parquet file on disk, and writes the parts of a dataset version."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.compute as pc  # type: ignore[import-untyped]  # likewise
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise

from training.adapters.datasets.parquet_pages import Page, PageUnreadable, pages
from training.domain.datasets.columns import ColumnMapping, ColumnsInvalid, places
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.limits import MAX_PAGE_BYTES, MAX_RAW_BYTES, MAX_ROWS
from training.domain.datasets.rows import RowBatch, RowChecker

_BATCH_ROWS = 64
_BATCH_BYTES = 16 << 20
_READ_BYTES = 1 << 20
_MAX_STRING_BYTES = 64 << 20
_MAX_FOOTER_BYTES = 64 << 20

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


type Tell = Callable[[float], None]


def _nobody(_: float) -> None:
    """For who does not ask."""


def read_parquet(
    path: Path, mapping: ColumnMapping, checker: RowChecker, tell: Tell = _nobody
) -> Iterator[RowBatch]:
    """The rows of a file in batches, numbered from 1; `tell` hears which share of them was read.
    Raises FileInvalid."""
    try:
        yield from _rows(path, mapping, checker, tell)
    except MemoryError:
        # Arrow's own is an ArrowException too, and no fault of the file.
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError, PageUnreadable) as error:
        raise FileInvalid(
            f"The file cannot be read as Parquet ({type(error).__name__})."
        ) from error


def _rows(
    path: Path, mapping: ColumnMapping, checker: RowChecker, tell: Tell
) -> Iterator[RowBatch]:
    columns, strings, total = _columns(path, mapping)
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
                tell(min((row - 1) / total, 1.0) if total else 1.0)
                batch = RowBatch()
    yield batch


def _pieces(path: Path, names: list[str], strings: list[str]) -> Iterator[pa.RecordBatch]:
    """The columns of these names, a few rows at a time, so that they fit into the memory."""
    reading = {"buffer_size": _READ_BYTES, "pre_buffer": False}
    with (
        path.open("rb") as content,
        pq.ParquetFile(path, **reading) as file,
        pq.ParquetFile(path, read_dictionary=strings, **reading) as words,
    ):
        for group in range(file.num_row_groups):
            if file.metadata.row_group(group).num_rows == 0:
                continue
            yield from file.iter_batches(
                _rows_at_once(content, words, group, names, strings),
                row_groups=[group],
                columns=names,
                use_threads=False,
            )


def _check_page(page: Page) -> None:
    if page.size > MAX_PAGE_BYTES:
        raise FileInvalid(
            f"A page of the file has {page.size:,} bytes when unpacked; {MAX_PAGE_BYTES:,} are "
            "allowed. Write the file with smaller pages, such as of 1 MB (pyarrow: "
            "`write_batch_size=64`), or as JSON Lines."
        )
    if page.values > MAX_ROWS:
        raise FileInvalid(f"A page of the file has more than {MAX_ROWS:,} values.")


def _rows_at_once(
    content: BinaryIO, words: pq.ParquetFile, group: int, names: list[str], strings: list[str]
) -> int:
    """How many rows of a row group to read at once: a few kilobytes may hold gigabytes of text.

    A row has the mean size of its column's values, or that of the longest word in its dictionary,
    which a few bytes can name a million times, or of the page in which values share what they
    begin with. Raises FileInvalid where a page is too large to be unpacked at all.
    """
    metadata = words.metadata.row_group(group)
    expected = 0
    named: list[str] = []
    for place in range(metadata.num_columns):
        column = metadata.column(place)
        if column.path_in_schema not in names:
            continue
        found = list(_pages_of(content, column))
        for page in found:
            _check_page(page)
        if column.path_in_schema not in strings:
            continue
        expected = max(expected, column.total_uncompressed_size // max(metadata.num_rows, 1))
        if any(page.is_delta for page in found):
            # Arrow does not tell the words of such a column: they are no longer than their page.
            sizes = (page.size for page in found if page.is_delta or page.is_dictionary)
            expected = max(expected, *sizes)
        elif any(page.is_dictionary for page in found):
            named.append(column.path_in_schema)
    return min(
        max(_BATCH_BYTES // max(expected, _longest_word(words, group, named), 1), 1), _BATCH_ROWS
    )


def _longest_word(words: pq.ParquetFile, group: int, names: list[str]) -> int:
    """The bytes of the longest in the dictionaries of these columns, which come with their first
    row."""
    if names:
        for first in words.iter_batches(1, row_groups=[group], columns=names, use_threads=False):
            return max(
                pc.max(pc.binary_length(each.dictionary)).as_py() or 0 for each in first.columns
            )
    return 0


def _pages_of(content: BinaryIO, column: Any) -> Iterator[Page]:
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    return pages(content, start, column.total_compressed_size)


def _columns(path: Path, mapping: ColumnMapping) -> tuple[dict[str, str], list[str], int]:
    """The column of each field, which of them hold strings, and how many rows there are;
    FileInvalid."""
    _check_footer(path)
    with pq.ParquetFile(path, thrift_string_size_limit=_MAX_STRING_BYTES) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise FileInvalid(f"The file has more than {MAX_ROWS:,} rows.")
        schema, total = file.schema_arrow, file.metadata.num_rows
    names = list(schema.names)
    try:
        found = places(names, mapping)
    except ColumnsInvalid as error:
        raise FileInvalid(f"The columns are not as they must be: {error}.") from None
    columns = {field: names[place] for field, place in found.items()}
    for field, name in columns.items():
        _check_type(field, schema.field(name).type)
    strings = [name for name in columns.values() if _is_text(schema.field(name).type)]
    return columns, strings, total


def _check_footer(path: Path) -> None:
    """The last bytes of a file are the size of its footer and a mark; the footer is read whole."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 8, 0))
        size = int.from_bytes(file.read(4), "little")
    if _MAX_FOOTER_BYTES < size < end:
        raise FileInvalid(f"The footer of the file has {size:,} bytes: write fewer row groups.")


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
