"""A file that is no text in UTF-8 is refused in words that say what to do."""

import gzip
from collections.abc import Callable, Iterable, Iterator

import pytest

from training.adapters.datasets.csv_files import read_csv
from training.adapters.datasets.jsonl_files import read_jsonl
from training.domain.datasets.columns import ColumnMapping, parse_mapping
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.rows import RowBatch, RowChecker

type Reader = Callable[[Iterable[bytes], ColumnMapping, RowChecker], Iterator[RowBatch]]

JSONL = '{"text":"ä","label":1}\n{"text":"b","label":0}\n'
CSV = "text,label\nä,1\nb,0\n"
BOTH = pytest.mark.parametrize(
    ("reader", "text"), [(read_jsonl, JSONL), (read_csv, CSV)], ids=["jsonl", "csv"]
)


def texts(reader: Reader, content: bytes) -> list[str]:
    batches = reader([content], parse_mapping(""), RowChecker("here"))
    return [text for batch in batches for text in batch.texts]


@BOTH
def test_line_ends_and_the_mark_of_utf_8_do_not_matter(reader: Reader, text: str) -> None:
    for written in (text, text.replace("\n", "\r\n"), "\ufeff" + text, text.rstrip()):
        assert texts(reader, written.encode()) == ["ä", "b"]


@BOTH
@pytest.mark.parametrize(
    ("coding", "said"),
    [
        ("utf-16", "-f UTF-16 "),
        ("utf-16-le", "-f UTF-16LE "),
        ("utf-16-be", "-f UTF-16BE "),
        ("utf-32", "-f UTF-32 "),
        ("utf-32-le", "-f UTF-32LE "),
        ("utf-32-be", "-f UTF-32BE "),
    ],
)
def test_another_coding_is_named_with_its_conversion(
    reader: Reader, text: str, coding: str, said: str
) -> None:
    with pytest.raises(FileInvalid, match=r"must be UTF-8.*iconv " + said):
        texts(reader, text.encode(coding))


@BOTH
def test_lines_that_end_with_cr_alone(reader: Reader, text: str) -> None:
    with pytest.raises(FileInvalid, match=r"end with CR alone.*tr "):
        texts(reader, text.replace("\n", "\r").encode())


def test_a_header_that_goes_on_behind_cr() -> None:
    with pytest.raises(FileInvalid, match=r"end with CR alone.*tr "):
        texts(read_csv, CSV.replace("\n", "\r").encode() + b"\n")


def test_a_single_row_may_end_with_cr() -> None:
    assert texts(read_jsonl, b'{"text":"a","label":1}\r') == ["a"]


@BOTH
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(JSONL.encode()), "gzip; send it unpacked"),
        (b"\x28\xb5\x2f\xfd\0\0", "Zstandard; send it unpacked"),
        (b"PK\x03\x04\0\0", "spreadsheet; send what is in it"),
        (b"PAR1\0\0PAR1", "format=parquet"),
    ],
    ids=["gzip", "zstd", "zip", "parquet"],
)
def test_a_packed_file_is_named(reader: Reader, text: str, content: bytes, said: str) -> None:
    with pytest.raises(FileInvalid, match=said):
        texts(reader, content)


def test_json_lines_sent_as_csv() -> None:
    with pytest.raises(FileInvalid, match="format=jsonl"):
        texts(read_csv, JSONL.encode())
