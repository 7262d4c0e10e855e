"""Rows are read with the numbers of their lines, whatever the file holds between them."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.adapters.datasets.csv_files import read_csv
from training.adapters.datasets.jsonl_files import read_jsonl
from training.domain.datasets.columns import ColumnMapping, parse_mapping
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.limits import MAX_RECORD_BYTES, MAX_TEXT_BYTES
from training.domain.datasets.reasons import Reason
from training.domain.datasets.rows import RowBatch, RowChecker

type Reader = Callable[[Iterable[bytes], ColumnMapping, RowChecker], Iterator[RowBatch]]

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(lambda text: not text.isspace())


def read(
    reader: Reader, content: bytes, columns: str = "", step: int | None = None
) -> tuple[list[tuple[int, str, int]], list[tuple[int, str]]]:
    """(row, text, label) of the good, (row, reason) of the bad; the file comes in steps."""
    step = step or max(len(content), 1)
    chunks = (content[start : start + step] for start in range(0, len(content), step))
    good, bad = [], []
    for batch in reader(chunks, parse_mapping(columns), RowChecker("here")):
        good += list(zip(batch.rows, batch.texts, batch.labels, strict=True))
        bad += [(each.row, each.reason.value) for each in batch.bad]
    return good, bad


def test_a_line_is_counted_whether_or_not_it_holds_a_row() -> None:
    content = b'\xef\xbb\xbf\r\n{"text":"a","label":1}\r\n\n  \n[]\n{"text":"b","label":"benign"}'
    good, bad = read(read_jsonl, content)
    assert good == [(2, "a", 1), (6, "b", 0)]
    assert bad == [(5, "invalid_json")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text":"a","label":1', Reason.INVALID_JSON),
        (b'{"text":"a","label":1}{}', Reason.INVALID_JSON),
        (b'{"text":"\xff","label":1}', Reason.INVALID_UTF8),
        (b'{"text":"\\ud83d x","label":1}', Reason.INVALID_JSON),
        (b'{"text":"\xed\xa0\xbd","label":1}', Reason.INVALID_UTF8),
        (b'{"text":"a\\u0000b","label":1}', Reason.NUL_CHARACTER),
        (b'\0{"text":"a","label":1}', Reason.INVALID_JSON),
        (b'{"text":"a","label":1,"more":2}', Reason.UNKNOWN_COLUMN),
        (b'{"text":"a","label":1,"label":0}', Reason.REPEATED_COLUMN),
        (b'{"text":"a","te\\u0078t":"text","label":1}', Reason.REPEATED_COLUMN),
        (b'{"text":"a","label":1e999}', Reason.INVALID_JSON),
        (b'{"text":"a","label":"\\ud800"}', Reason.INVALID_JSON),
        (b'{"label":1}', Reason.MISSING_TEXT),
        (b'{"text":null,"label":1}', Reason.MISSING_TEXT),
        (b'{"text":5,"label":1}', Reason.INVALID_TEXT),
        (b'{"text":"","label":1}', Reason.EMPTY_TEXT),
        (b'{"text":" \\n\\u2003","label":1}', Reason.EMPTY_TEXT),
        (b'{"text":"a"}', Reason.MISSING_LABEL),
        (b'{"text":"a","label":""}', Reason.MISSING_LABEL),
        (b'{"text":"a","label":2}', Reason.INVALID_LABEL),
        (b'{"text":"a","label":[1]}', Reason.INVALID_LABEL),
        (b'{"text":"a","label":1e300}', Reason.INVALID_LABEL),
        (b'{"text":"a","label":1,"source":7}', Reason.INVALID_SOURCE),
        (b'{"text":"a","label":1,"category":"' + b"c" * 65 + b'"}', Reason.INVALID_CATEGORY),
        (b'{"text":"' + b"a" * (MAX_TEXT_BYTES + 1) + b'","label":1}', Reason.TEXT_TOO_LONG),
        (b'{"text":"' + b"a" * 10_000_000 + b'","label":1}', Reason.RECORD_TOO_LONG),
        (b"[" * 100_000, Reason.INVALID_JSON),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_a_bad_line_is_bad_alone(line: bytes, reason: Reason) -> None:
    content = b'{"text":"before","label":0}\n' + line + b'\n{"text":"after","label":1}\n'
    good, bad = read(read_jsonl, content, step=1_000_000)
    assert (good, bad) == ([(1, "before", 0), (3, "after", 1)], [(2, reason.value)])


def test_a_columns_name_may_be_a_value_and_a_name_within_one() -> None:
    line = b'{"text":"text","label":1,"notes":{"text":["label"]}}'
    assert read(read_jsonl, line, "notes:") == ([(1, "text", 1)], [])


@pytest.mark.parametrize("label", [1, True, 1.0, "1", "true", "TRUE", " attack ", "Attack"])
def test_labels_in_all_their_ways(label: object) -> None:
    line = json.dumps({"text": "a", "label": label}).encode()
    assert read(read_jsonl, line)[0] == [(1, "a", 1)]


def test_mapped_columns_take_the_place_of_the_fields_own_names() -> None:
    columns = "prompt:text,is_attack:label,notes:"
    good, bad = read(read_jsonl, b'{"prompt":"a","is_attack":true,"notes":{"x":[1]}}', columns)
    assert (good, bad) == ([(1, "a", 1)], [])
    # The name that was given up is unknown now.
    assert read(read_jsonl, b'{"text":"a","is_attack":1}', columns)[1] == [(1, "unknown_column")]


@given(st.lists(TEXTS), st.integers(1, 7), st.booleans())
def test_json_lines_are_read_alike_however_they_arrive(
    texts: list[str], step: int, ascii_only: bool
) -> None:
    lines = [
        json.dumps({"text": text, "label": 1}, ensure_ascii=ascii_only).encode() for text in texts
    ]
    good, bad = read(read_jsonl, b"\n".join(lines), step=step)
    assert (good, bad) == ([(row, text, 1) for row, text in enumerate(texts, 1)], [])


@given(
    st.lists(st.tuples(TEXTS, st.integers(0, 2))),
    st.sampled_from([1, 3, 1000]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_rows_have_the_number_of_their_first_line(
    rows: list[tuple[str, int]], step: int, end: str
) -> None:
    """By the definition: the lines before a record, counted in the file that the writer wrote."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "label"])
    expected = []
    for text, blank_lines in rows:
        sink.write(end * blank_lines)
        # The reader's lines end with \r\n or \n: in a field both are a line's end, and become \n.
        expected.append((sink.getvalue().count("\n") + 1, text.replace("\r\n", "\n"), 0))
        writer.writerow([text, 0])
    good, bad = read(read_csv, sink.getvalue().encode(), step=step)
    assert (good, bad) == (expected, [])


def test_a_wrong_quote_spoils_its_record_alone() -> None:
    content = (
        b"text,label\n"
        b'"fine",1\n'
        b'"never closed,1\n'
        b"next,0\n"
        b'"two\nlines",1\n'
        b'"closed" early,0\n'
        b"too,many,fields\n"
        b"\n"
        b"last,1\n"
        b'"open at the end,0\n'
    )
    good, bad = read(read_csv, content)
    assert good == [(2, "fine", 1), (4, "next", 0), (5, "two\nlines", 1), (10, "last", 1)]
    assert bad == [
        (3, "invalid_csv"),
        (7, "invalid_csv"),
        (8, "wrong_field_count"),
        (11, "invalid_csv"),
    ]


def test_csv_of_other_countries_and_of_spreadsheets() -> None:
    for delimiter in ";\t":
        content = f'\ufefflabel{delimiter}text\r\n1{delimiter}"a,\r\nb"\r\n'.encode()
        assert read(read_csv, content) == ([(2, "a,\nb", 1)], [])


def test_a_line_that_is_not_utf_8_is_bad_alone() -> None:
    content = b"text,label\na,1\n\xff\xfe,1\nc\xe9,0\nd,0\n"
    good, bad = read(read_csv, content)
    assert good == [(2, "a", 1), (5, "d", 0)]
    assert bad == [(3, "invalid_utf8"), (4, "invalid_utf8")]


def test_a_very_long_line_of_csv_is_bad_alone() -> None:
    content = b"text,label\na,1\n" + b"x" * (MAX_RECORD_BYTES + 10) + b',1\n"open\n' + b"d,0\n"
    good, bad = read(read_csv, content, step=1 << 20)
    assert good == [(2, "a", 1), (5, "d", 0)]
    assert bad == [(3, "record_too_long"), (4, "invalid_csv")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\r\n", "empty"),
        (b"first,row\nof,data\n", "no column for text and label"),
        (b"text,label,more\na,1,b\n", "column 3"),
        (b"text,text,label\n", "twice"),
        (b"\xff\xfet\0e\0x\0t\0", "UTF-16"),
        (b"text,label\n" + (b'a",' + b"x" * 1_000 + b',"\n') * 20_000, "quotes"),
    ],
    ids=["empty", "blank", "no header", "unknown column", "column twice", "utf-16", "quotes"],
)
def test_a_file_that_is_wrong_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(FileInvalid, match=said):
        read(read_csv, content)
