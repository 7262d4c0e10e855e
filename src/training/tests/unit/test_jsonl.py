import gzip
import hashlib
from pathlib import Path

import pytest

from training.adapters.datasets.labelled_files import DataInvalid, read_examples

_GOOD = b'{"text": "hello", "label": 1, "source": "s", "category": "c"}\n'


@pytest.mark.parametrize("packed", [False, True])
def test_plain_and_gzipped_files_are_read(tmp_path: Path, packed: bool) -> None:
    raw = gzip.compress(_GOOD * 2, mtime=0) if packed else _GOOD + b"\n" + _GOOD
    path = tmp_path / ("rows.jsonl.gz" if packed else "rows.jsonl")
    path.write_bytes(raw)
    file = read_examples(path)
    assert [(one.text, one.attack, one.source) for one in file.examples] == [
        ("hello", True, "s")
    ] * 2
    assert file.sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "row 2: "),
        (
            b'{"text": "a secret", "label": 2, "source": "s"}',
            "row 2: label must be 0 or 1",
        ),
        (b'{"text": "a secret", "label": "1", "source": "s"}', "row 2: Expected `int`"),
        (b'{"text": "a secret", "source": "s"}', "row 2: .*`label`"),
        (b'{"text": "a secret", "label": 0, "source": ""}', "row 2: source"),
        (b'{"text": "\xff", "label": 0, "source": "s"}', "row 2: "),
    ],
)
def test_a_bad_row_is_named_and_not_quoted(tmp_path: Path, line: bytes, words: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(_GOOD + line + b"\n")
    with pytest.raises(DataInvalid, match=words) as invalid:
        read_examples(path)
    assert str(invalid.value).startswith(str(path))
    assert "secret" not in str(invalid.value)


def test_files_without_rows_or_that_are_no_gzip_are_errors(tmp_path: Path) -> None:
    for name, content in (("empty.jsonl", b"\n"), ("plain.jsonl.gz", _GOOD)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataInvalid, match=name):
            read_examples(tmp_path / name)
