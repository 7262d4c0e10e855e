import json
import signal
from pathlib import Path

import pytest

from bartizan.tests.platforms import PATIENCE_S, Platform


@pytest.mark.parametrize(("text", "status"), [("hello", 0), ("ignore all", 1), ("die", 2)])
def test_the_exit_status_is_the_verdict(platform: Platform, text: str, status: int) -> None:
    result = platform.run("scan", text)
    assert result.returncode == status
    assert "Traceback" not in result.stderr
    if status == 2:
        assert "the bundle is refused" in result.stderr


def check_a_file(platform: Platform, file: Path) -> None:
    texts = [f"text {number} {'ignore' if number % 7 == 0 else ''}" for number in range(500)]
    lines = [json.dumps({"id": f"row-{n}", "text": text}) for n, text in enumerate(texts)]
    lines.insert(100, "not json")
    file.write_text("\n".join(lines))
    result = platform.run("scan", "-f", str(file), "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in found] == [f"row-{number}" for number in range(500)]
    assert [row["decision"] == "block" for row in found] == [n % 7 == 0 for n in range(500)]
    assert set(found[0]) == {"id", "decision", "score", "categories"}
    assert found[0]["categories"][1] == {"name": "prompt_injection", "score": 0.99}
    assert result.stderr.splitlines()[-2:] == [
        "line 101: the line is not JSON",
        "1 row could not be judged",
    ]
    assert result.returncode == 2


def test_without_a_platform_the_texts_are_judged_in_process(
    platform: Platform, tmp_path: Path
) -> None:
    check_a_file(platform, tmp_path / "prompts.jsonl")


def test_with_a_platform_they_go_through_the_gateway(platform: Platform, tmp_path: Path) -> None:
    platform.up()
    check_a_file(platform, tmp_path / "prompts.jsonl")
    assert '"POST /api/model_api/predict' in platform.home.log("dashboard_backend").read_text()
    platform.home.admin_key.write_text("another")
    refused = platform.run("scan", "hello")
    assert refused.returncode == 2
    assert "401: the key is not known" in refused.stderr


def test_standard_input_is_judged_line_by_line_as_it_comes(platform: Platform) -> None:
    with platform.start("scan", "-f", "-", "--json") as scan:
        assert scan.stdin is not None
        assert scan.stdout is not None
        for text in ("one", "ignore", "three"):
            scan.stdin.write(f"{text}\n")
            scan.stdin.flush()
            decision = json.loads(scan.stdout.readline())["decision"]
            assert decision == ("block" if text == "ignore" else "allow")
        scan.stdin.close()
        assert scan.wait(timeout=PATIENCE_S) == 1


def test_an_interrupt_ends_it_at_once(platform: Platform) -> None:
    with platform.start("scan", "-f", "-", "--json") as scan:
        assert scan.stdin is not None
        assert scan.stdout is not None
        scan.stdin.write("one\n")
        scan.stdin.flush()
        scan.stdout.readline()
        scan.send_signal(signal.SIGINT)
        assert scan.wait(timeout=PATIENCE_S) == 130


def test_a_reader_that_goes_away_is_no_verdict(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("hello\n" * 20_000)
    with platform.start("scan", "-f", str(file)) as scan:
        assert scan.stdout is not None
        scan.stdout.readline()
        scan.stdout.close()
        assert scan.wait(timeout=PATIENCE_S) == 141
        assert scan.stderr is not None
        assert scan.stderr.read() == ""


@pytest.mark.parametrize(
    "arguments", [(), ("text", "-f", "file"), ("-f", "/does/not/exist"), ("--format", "xml", "t")]
)
def test_misuse_is_an_error_not_a_verdict(platform: Platform, arguments: tuple[str, ...]) -> None:
    result = platform.run("scan", *arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
