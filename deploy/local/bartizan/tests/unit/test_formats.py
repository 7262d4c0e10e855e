import io

import pytest

from bartizan.errors import BartizanError
from bartizan.scanning.formats import find_format


def format_of(name: str, data: bytes) -> str:
    stream = io.BufferedReader(io.BytesIO(data))
    found = find_format(name, stream)
    assert stream.read() == data
    return found


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.jsonl", b"", "jsonl"),
        ("a.CSV", b"whatever", "csv"),
        ("a.txt", b'{"text": "a text that happens to be JSON"}', "text"),
        ("-", b'{"text": "x"}\n', "jsonl"),
        ("-", b'\xef\xbb\xbf{"text": "x"}\n', "jsonl"),
        ("-", b'{"text": "' + b"x" * 100_000, "jsonl"),
        ("-", b"{braces} are not JSON\nmore", "text"),
        ("-", b'id,"Text"\n1,x', "csv"),
        ("-", b"Hello, text me\n", "text"),
        ("-", b"", "text"),
    ],
)
def test_format_by_name_or_beginning(name: str, data: bytes, form: str) -> None:
    assert format_of(name, data) == form


@pytest.mark.parametrize(("name", "data"), [("a.txt", b"\xff\xfea\x00"), ("a.json", b'[{"a":1}]')])
def test_what_would_be_misread_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(BartizanError, match="a\\."):
        format_of(name, data)
