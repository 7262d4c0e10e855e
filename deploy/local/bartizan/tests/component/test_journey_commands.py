"""The commands that need a running platform, without one."""

from pathlib import Path

import pytest

from bartizan.tests.platforms import Platform


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("train", "prompts.csv"), 2),
        (("rollout", "2"), 2),
        (("rollback",), 2),
        (("history", "2"), 2),
        (("report", "2"), 1),
        (("quarantine", "prompts:1"), 1),
        (("cancel", "01a20625-cb65-766e-b5e8-035c6183ab57"), 1),
        (("models",), 1),
    ],
)
def test_without_a_platform_each_says_so_at_once(
    platform: Platform, tmp_path: Path, arguments: tuple[str, ...], status: int
) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text("text,label\nhello,0\n")
    given = (str(file) if each == file.name else each for each in arguments)
    result = platform.run(*given)
    assert result.returncode == status
    assert result.stderr == "bartizan: the platform is not up: start it with `bartizan up`\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("train",),
        ("train", "--dataset", "prompts"),
        ("train", "--dataset", "prompts:1", "--set", "l2"),
        ("train", "nowhere.csv"),
        ("rollout", "first"),
        ("quarantine", "prompts"),
        ("cancel", "yesterday"),
        ("rollout", "2", "--plan", "nowhere.json"),
    ],
)
def test_what_cannot_be_meant_is_an_error_and_no_answer(
    platform: Platform, arguments: tuple[str, ...]
) -> None:
    result = platform.run(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_a_file_that_tells_neither_name_nor_format(platform: Platform, tmp_path: Path) -> None:
    cases = (("prompts.txt", "--format"), ("___.csv", "--name"), ("prompts.csv.gz", "unpack"))
    for name, missing in cases:
        (tmp_path / name).write_text("text,label\n")
        result = platform.run("train", str(tmp_path / name))
        assert (result.returncode, missing in result.stderr) == (2, True)


def test_a_lost_key_is_named(platform: Platform) -> None:
    platform.up()
    platform.home.admin_key.unlink()
    for command in (("models",), ("scan", "hello")):
        result = platform.run(*command)
        assert (result.returncode, result.stdout) == (2 if command[0] == "scan" else 1, "")
        assert result.stderr.startswith(f"bartizan: cannot read the API key {platform.home.path}")
