import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bartizan.errors import BartizanError
from bartizan.scanning.lines import MAX_LINE_BYTES
from bartizan.scanning.readers import read_csv, read_jsonl, read_text
from bartizan.scanning.rows import MAX_TEXT_BYTES, BadRow, Row

TEXTS = st.lists(st.text(st.characters(codec="utf-8")), max_size=8)
ONE_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n")).filter(str.strip)


def texts_of(items: object) -> list[str]:
    assert isinstance(items, list)
    assert all(isinstance(item, Row) for item in items), items
    return [item.text for item in items]


@given(TEXTS, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_jsonl_gives_back_every_text(texts: list[str], plain: bool, end: str, bom: bool) -> None:
    lines = end.join(json.dumps({"text": text}, ensure_ascii=plain) for text in texts)
    data = (b"\xef\xbb\xbf" if bom else b"") + lines.encode()
    assert texts_of(list(read_jsonl(io.BytesIO(data)))) == texts


@given(TEXTS, st.booleans())
def test_csv_gives_back_every_text(texts: list[str], bom: bool) -> None:
    # A lone carriage return ends a line for csv; within quotes it would come back as "\n".
    texts = [text.replace("\r", "") for text in texts]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(["id", "text"])
    writer.writerows([f"row-{number}", text] for number, text in enumerate(texts))
    data = (b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode()
    rows = list(read_csv(io.BytesIO(data)))
    assert texts_of(rows) == texts
    assert [row.id for row in rows if isinstance(row, Row)] == [
        f"row-{n}" for n, _ in enumerate(texts)
    ]


@given(st.lists(ONE_LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_text_gives_back_every_line(texts: list[str], end: str) -> None:
    data = end.join(texts).encode()
    assert texts_of(list(read_text(io.BytesIO(data)))) == texts


@given(st.binary(max_size=300))
def test_no_bytes_whatever_stop_the_reading(data: bytes) -> None:
    for item in [*read_jsonl(io.BytesIO(data)), *read_text(io.BytesIO(data))]:
        assert item.line >= 1
    for item in read_csv(io.BytesIO(b"text,id\n" + data)):
        assert item.line >= 2


def test_a_bad_row_is_named_and_the_next_are_read() -> None:
    data = b'{"text":"a"}\n\n{"text":1}\nnope\n\xff\n{"prompt":"x"}\n{"id":"i","text":"b"}'
    items = list(read_jsonl(io.BytesIO(data)))
    assert [(item.line, isinstance(item, Row)) for item in items] == [
        (1, True), (3, False), (4, False), (5, False), (6, False), (7, True),
    ]  # fmt: skip
    assert isinstance(items[-1], Row)
    assert items[-1].id == "i"


def test_reasons_never_quote_the_row() -> None:
    data = b'{"text": ["secret"]}\n{secret}\n{"text": "secret\n'
    items = list(read_jsonl(io.BytesIO(data)))
    assert len(items) == 3
    for item in items:
        assert isinstance(item, BadRow)
        assert "secret" not in item.reason


def test_a_line_of_ten_megabytes_is_refused_alone() -> None:
    data = b"x" * (MAX_LINE_BYTES + 2_000_000) + b"\nfine\n"
    items = list(read_text(io.BytesIO(data)))
    assert [type(item) for item in items] == [BadRow, Row]
    assert items[1].line == 2
    assert items[-1].end == len(data)


def test_the_limit_on_a_text_is_in_bytes() -> None:
    fits, over = "é" * (MAX_TEXT_BYTES // 2), "é" * (MAX_TEXT_BYTES // 2) + "x"
    items = list(read_text(io.BytesIO(f"{fits}\n{over}".encode())))
    assert [type(item) for item in items] == [Row, BadRow]


def test_csv_rows_of_another_width_are_bad() -> None:
    items = list(read_csv(io.BytesIO(b'text,id\nok,1\nshort\n"multi\nline",2\nlast,3\n')))
    assert [(item.line, type(item)) for item in items] == [
        (2, Row), (3, BadRow), (4, Row), (6, Row),
    ]  # fmt: skip


@pytest.mark.parametrize("header", [b"id,prompt\n", b"", b"text,text\n"])
def test_csv_without_one_text_column_is_refused(header: bytes) -> None:
    with pytest.raises(BartizanError, match="column `text`"):
        list(read_csv(io.BytesIO(header)))
