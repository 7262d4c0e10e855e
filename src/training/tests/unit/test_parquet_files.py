"""Parquet is read in little memory, whatever its few bytes stand for."""

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise
import pytest

from training.adapters.datasets.parquet_files import read_parquet
from training.domain.datasets.columns import parse_mapping
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.rows import RowChecker

_MEBIBYTE = 1 << 20


def write(path: Path, texts: list[str], **how: Any) -> None:
    pq.write_table(pa.table({"text": texts, "label": [1] * len(texts)}), path, **how)


def most_held(path: Path) -> tuple[int, int]:
    """How many rows there are, good or bad, and the most bytes that Arrow holds meanwhile."""
    before, most, records = pa.total_allocated_bytes(), 0, 0
    for batch in read_parquet(path, parse_mapping(""), RowChecker("here")):
        records += len(batch) + len(batch.bad)
        most = max(most, pa.total_allocated_bytes() - before)
    return records, most


@pytest.mark.parametrize("use_dictionary", [False, True])
def test_long_texts_are_read_a_few_at_a_time(tmp_path: Path, use_dictionary: bool) -> None:
    path = tmp_path / "rows.parquet"
    texts = [f"{number} " + "ab " * (_MEBIBYTE // 3 - 9) for number in range(60)]
    # A page is read whole; by itself the writer would put all of the texts into one.
    write(path, texts, compression="zstd", use_dictionary=use_dictionary, write_batch_size=1)
    assert path.stat().st_size < _MEBIBYTE
    records, most = most_held(path)
    assert records == len(texts)
    assert most < 40 * _MEBIBYTE


def test_a_word_that_is_named_often_is_not_held_as_often(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write(path, ["ab " * _MEBIBYTE] * 64, dictionary_pagesize_limit=64 * _MEBIBYTE)
    records, most = most_held(path)
    assert records == 64
    assert most < 60 * _MEBIBYTE


def test_values_that_begin_alike_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    texts = ["a" * 4 * _MEBIBYTE + f" {number}" for number in range(100)]
    write(
        path,
        texts,
        use_dictionary=False,
        column_encoding={"text": "DELTA_BYTE_ARRAY", "label": "PLAIN"},
        compression="zstd",
        data_page_size=1 << 30,
    )
    assert path.stat().st_size < _MEBIBYTE
    records, most = most_held(path)
    assert records == len(texts)
    assert most < 60 * _MEBIBYTE


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_page_that_would_fill_the_memory_is_refused(tmp_path: Path, version: str) -> None:
    path = tmp_path / "rows.parquet"
    texts = ["a" * _MEBIBYTE] * 130
    how = {"use_dictionary": False, "compression": "zstd", "data_page_version": version}
    write(path, texts, data_page_size=1 << 30, **how)
    before = pa.total_allocated_bytes()
    with pytest.raises(FileInvalid, match=r"page of the file has 136,.*smaller pages"):
        most_held(path)
    assert pa.total_allocated_bytes() - before < _MEBIBYTE
    write(path, texts, write_batch_size=1, **how)
    assert most_held(path)[0] == len(texts)


def test_pages_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write(path, ["a", "b"])
    content = bytearray(path.read_bytes())
    content[4:30] = b"\xff" * 26
    path.write_bytes(content)
    with pytest.raises(FileInvalid, match="cannot be read as Parquet"):
        most_held(path)


def test_short_texts_are_numbered_across_the_groups_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write(path, [f"text {number}" for number in range(500)], row_group_size=130)
    found = [
        pair
        for batch in read_parquet(path, parse_mapping(""), RowChecker("here"))
        for pair in zip(batch.rows, batch.texts, strict=True)
    ]
    assert found == [(number + 1, f"text {number}") for number in range(500)]
