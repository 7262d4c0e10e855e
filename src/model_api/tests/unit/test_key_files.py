"""Keys in files."""

import base64
import stat
from pathlib import Path

import pytest

from model_api.adapters.key_files import KeyFileInvalid, read_key, read_or_make_key, read_secret


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.key"

    made = read_or_make_key(path)

    assert len(made) == 32
    assert read_or_make_key(path) == read_key(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["a.key"]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 44, base64.b64encode(b"x" * 31)])
def test_what_is_no_key_is_refused_by_the_files_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)

    with pytest.raises(KeyFileInvalid, match=r"a\.key"):
        read_key(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="absent"):
        read_key(tmp_path / "absent")
    with pytest.raises(KeyFileInvalid, match="absent"):
        read_secret(tmp_path / "absent")


def test_a_secret_ends_before_the_lines_end(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(" pass word \n")

    assert read_secret(path) == " pass word "
    assert read_secret(None) is None
