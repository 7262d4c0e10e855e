"""Reads the records of files as public sets are published: ``read_records(path)``.

CSV and Parquet are tables; JSON Lines are objects; JSON is a list of objects, or an object of lists
of texts by category, whose records have the text under the empty name.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise

from training.domain.datasets.files import FileInvalid

_LARGEST_FIELD = 64 << 20

type Record = Mapping[str, object]


def read_records(path: Path) -> Iterator[Record]:
    """The records in their order. Raises FileInvalid."""
    readers = {
        ".csv": _csv,
        ".parquet": _parquet,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".json": _json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileInvalid(f"{path.name}: its name must end in one of {', '.join(readers)}")
    try:
        yield from reader(path)
    except (OSError, ValueError, csv.Error, pa.ArrowException, msgspec.MsgspecError) as error:
        raise FileInvalid(f"{path.name}: cannot be read: {type(error).__name__}") from error


def _csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(_LARGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _parquet(path: Path) -> Iterator[Record]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1_024):
            yield from batch.to_pylist()


def _json_lines(path: Path) -> Iterator[Record]:
    decode = msgspec.json.Decoder(dict[str, object]).decode
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield decode(line)


def _json(path: Path) -> Iterator[Record]:
    content = msgspec.json.decode(
        path.read_bytes(), type=list[dict[str, object]] | dict[str, list[str]]
    )
    if isinstance(content, list):
        yield from content
        return
    for category, texts in content.items():
        for text in texts:
            yield {"": text, "category": category}
