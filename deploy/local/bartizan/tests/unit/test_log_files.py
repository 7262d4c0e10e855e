from pathlib import Path

from bartizan.supervision.log_files import rotate, tail


def test_a_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    with log.open("a") as writer:
        for generation in "abcde":
            writer.write(generation * 20)
            writer.flush()
            rotate(log, largest=10, kept=3)
        writer.write("small")
        writer.flush()
        rotate(log, largest=10, kept=3)
    found = {file.name: file.read_text()[:1] for file in tmp_path.iterdir()}
    assert found == {"it.log": "s", "it.log.1": "e", "it.log.2": "d", "it.log.3": "c"}
    assert log.read_text() == "small"


def test_tail_reads_the_end_alone(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    assert tail(log, 3) == []
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log, 2) == ["line 9998", "line 9999"]
    assert tail(log, 0) == []
