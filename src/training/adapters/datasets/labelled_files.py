"""Reads labelled examples from JSON Lines files, plain or gzipped."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from training.domain.examples import Example


class DataInvalid(Exception):
    """A data file that cannot be used; the message names the file and the row."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """The examples of one file; `sha256` is that of its bytes as they lie on disk."""

    name: str
    sha256: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    label: int
    source: str
    category: str = ""


def read_examples(path: Path) -> DataFile:
    """The examples of a file: one object `{"text", "label": 0|1, "source", "category"?}` a line.

    A name that ends in .gz is decompressed. Empty lines are skipped. Raises `DataInvalid`; its
    message never quotes a text.
    """
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataInvalid(f"{path}: cannot be read: {error}") from error
    examples = parse_examples(str(path), content)
    return DataFile(path.name, hashlib.sha256(raw).hexdigest(), examples)


def parse_examples(name: str, content: bytes) -> tuple[Example, ...]:
    """The examples of a file's content; `DataInvalid`, which calls the file by `name`."""
    decoder = msgspec.json.Decoder(_Row)
    examples = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataInvalid(f"{name}: row {number}: {error}") from error
        if row.label not in {0, 1}:
            raise DataInvalid(f"{name}: row {number}: label must be 0 or 1, not {row.label}")
        if not row.source:
            raise DataInvalid(f"{name}: row {number}: source must not be empty")
        examples.append(Example(row.text, bool(row.label), row.source, row.category))
    if not examples:
        raise DataInvalid(f"{name}: holds no examples")
    return tuple(examples)
