"""Public sets are read in the formats in which they are published."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no py.typed
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise
import pytest
from click.testing import CliRunner

from training.main import cli


def imported(public_set: str, *files: Path) -> list[dict[str, Any]]:
    names = [str(file) for file in files]
    found = CliRunner().invoke(cli, ["data", "import-public", public_set, *names, "--output", "-"])
    assert found.exit_code == 0, found.output
    return [json.loads(line) for line in found.stdout.splitlines()]


def brief(rows: list[dict[str, Any]]) -> list[tuple[Any, Any, str, str]]:
    return [(row["text"], row["label"], row["source"], row["category"]) for row in rows]


def test_deepset_as_parquet(tmp_path: Path) -> None:
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), path)
    assert brief(imported("deepset", path)) == [
        ("a", 0, "deepset", "deepset"),
        ("b", 1, "deepset", "deepset"),
    ]


def test_jackhhao_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "jailbreak_dataset_train.csv"
    path.write_text('prompt,type\n"two\nlines",benign\nb,jailbreak\nc,else\n')
    assert [row[:2] for row in brief(imported("jackhhao", path))] == [
        ("two\nlines", 0),
        ("b", 1),
        ("c", None),
    ]


def test_in_the_wild_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "jailbreak_prompts_2023_12_25.csv"
    path.write_text(
        "platform,source,prompt,jailbreak,created_at\nreddit,r/x,a,True,2023\ndiscord,y,b,False,\n"
    )
    assert brief(imported("inthewild", path)) == [
        ("a", 1, "inthewild", "reddit"),
        ("b", 0, "inthewild", "discord"),
    ]


def test_bipia_as_lists_by_category(tmp_path: Path) -> None:
    path = tmp_path / "text_attack_train.json"
    path.write_text(json.dumps({"Task Automation": ["a", "b"], "Clickbait": ["c"]}))
    assert brief(imported("bipia", path)) == [
        ("a", 1, "bipia", "Task Automation"),
        ("b", 1, "bipia", "Task Automation"),
        ("c", 1, "bipia", "Clickbait"),
    ]


def test_xstest_without_what_asks_for_harm(tmp_path: Path) -> None:
    path = tmp_path / "xstest_prompts.csv"
    path.write_text(
        "id,prompt,type,label,focus,note\n1,a,homonyms,safe,x,\n2,b,contrast_homonyms,unsafe,x,\n"
    )
    assert brief(imported("xstest", path)) == [("a", 0, "xstest", "homonyms")]


def test_several_files_of_notinject(tmp_path: Path) -> None:
    one, two = tmp_path / "NotInject_one.json", tmp_path / "NotInject_two.json"
    one.write_text(json.dumps([{"prompt": "a", "word_list": ["a"]}, {"prompt": ""}]))
    two.write_text(json.dumps([{"prompt": "b", "word_list": [], "category": "Creation"}]))
    assert brief(imported("notinject", one, two)) == [
        ("a", 0, "notinject", "notinject"),
        ("", 0, "notinject", "notinject"),
        ("b", 0, "notinject", "Creation"),
    ]


def test_gandalf_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "gandalf.jsonl"
    path.write_text('{"text": "a", "similarity": 0.9}\n\n')
    assert brief(imported("gandalf", path)) == [("a", 1, "gandalf", "gandalf")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", b"a"),
        ("x.json", b"[1"),
        ("x.json", b"[[1]]"),
        ("x.parquet", b"PAR1"),
        ("x.csv", b"prompt\n\xff"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = CliRunner().invoke(
        cli, ["data", "import-public", "deepset", str(path), "--output", "-"]
    )
    assert found.exit_code == 1
    assert found.stderr.startswith(f"training: {name}: ")
    assert found.stderr.count("\n") == 1


def test_the_sets_are_listed_with_their_licences() -> None:
    listed = CliRunner().invoke(cli, ["data", "public-sets"]).stdout
    assert "deepset    Apache-2.0  https://huggingface.co/datasets/deepset" in listed


@pytest.mark.parametrize(
    ("public_set", "name", "content", "lacks"),
    [
        ("deepset", "xstest_prompts.csv", "id,prompt,type\n1,a,b\n", "text or label"),
        ("notinject", "NotInject_one.json", '[{"text": "a"}]', "prompt"),
        ("bipia", "qa_test.jsonl", '{"text": "a"}\n', "text by category"),
    ],
)
def test_a_file_of_another_set_is_refused(
    tmp_path: Path, public_set: str, name: str, content: str, lacks: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    arguments = ["data", "import-public", public_set, str(path), "--output", "-"]
    found = CliRunner().invoke(cli, arguments)
    assert found.exit_code == 1
    assert f"{name}: it has no {lacks}, as files of {public_set} have" in str(found.output)
    assert found.stdout == ""
