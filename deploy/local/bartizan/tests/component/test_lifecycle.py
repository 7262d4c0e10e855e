import os
import signal
import stat
from pathlib import Path

from bartizan.tests.platforms import PATIENCE_S, Platform, read_until


def test_up_twice_status_down_twice(platform: Platform) -> None:
    assert platform.run("status").returncode == 3
    first = platform.run("up")
    assert first.returncode == 0, first.stderr
    gateway = f"http://127.0.0.1:{platform.ports.dashboard_backend}"
    assert f"curl {gateway}/api/model_api/predict" in first.stdout
    assert f"$(cat {platform.home.admin_key})" in first.stdout
    assert "the-admin-key" not in first.stdout
    before = platform.status()
    assert before["healthy"]
    assert len(platform.listening()) == len(platform.ports.named())

    second = platform.run("up")
    assert second.returncode == 0
    assert "was up already" in second.stdout
    assert platform.status()["pid"] == before["pid"]
    assert platform.run("status").returncode == 0

    assert "is down" in platform.run("down").stdout
    assert platform.listening() == []
    again = platform.run("down")
    assert (again.returncode, again.stdout) == (0, "The platform was not up.\n")


def test_nobody_else_reads_the_state(platform: Platform) -> None:
    platform.up()
    for file in [platform.home.path, *platform.home.path.rglob("*")]:
        if not file.is_symlink():
            mode = stat.S_IMODE(file.lstat().st_mode)
            # As root, the account of PostgreSQL passes through the state folder to its own.
            allowed = 0o010 if file == platform.home.path and os.geteuid() == 0 else 0
            assert mode & 0o077 & ~allowed == 0, (file, oct(mode))


def test_two_at_once_make_one_platform(platform: Platform) -> None:
    starts = [platform.start("up") for _ in range(3)]
    outputs = [start.communicate(timeout=PATIENCE_S) for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], outputs
    assert sum("The platform is up.\n" in out for out, _ in outputs) == 1
    assert sum("was up already" in out for out, _ in outputs) == 2


def test_an_interrupt_in_mid_start_stops_what_was_started(platform: Platform) -> None:
    with platform.start("up", MODEL_API_SLEEP="60") as start:
        read_until(start, "model_api-migrate: starting")
        start.send_signal(signal.SIGINT)
        start.communicate(timeout=PATIENCE_S)
    assert start.returncode == 130
    assert platform.listening() == []
    assert platform.run("status").returncode == 3


def test_a_failed_step_is_told_and_nothing_stays(platform: Platform) -> None:
    failed = platform.run("up", MODEL_API_FAIL="yes")
    assert failed.returncode == 1
    assert "model_api-migrate did not start: the migration is refused" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert platform.listening() == []
    platform.up()


def test_in_the_foreground_an_interrupt_takes_it_down(platform: Platform) -> None:
    with platform.start("up", "--foreground") as start:
        read_until(start, "supervisor started")
        start.send_signal(signal.SIGINT)
        start.communicate(timeout=PATIENCE_S)
    assert start.returncode == 0
    assert platform.listening() == []


def test_a_socket_path_of_any_length_will_do(platform: Platform) -> None:
    deep = platform.home.path / ("d" * 100) / ("e" * 100)
    result = platform.run("up", BARTIZAN_HOME=str(deep))
    assert result.returncode == 0, result.stderr
    assert platform.run("down", BARTIZAN_HOME=str(deep)).returncode == 0


def test_a_home_that_cannot_be_written_is_one_clear_line(platform: Platform) -> None:
    result = platform.run("up", BARTIZAN_HOME="/dev/null/home")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "cannot keep state in /dev/null/home" in result.stderr


def test_reset_deletes_the_state_and_nothing_else(platform: Platform) -> None:
    platform.up()
    mine = platform.home.path / "mine.txt"
    mine.write_text("not Bartizan's")
    refused = platform.run("reset", given="n\n")
    assert refused.returncode == 130
    assert platform.status()["healthy"]
    assert platform.run("reset", "--yes").returncode == 0
    assert [Path(file) for file in platform.home.path.iterdir()] == [mine]
    assert platform.listening() == []


def test_a_new_build_restarts_the_platform(platform: Platform) -> None:
    platform.up()
    before = platform.unit("model_api")["pid"]
    program = platform.dist / "model_api.pex"
    program.write_text(program.read_text() + "\n")
    result = platform.run("up")
    assert "The build has changed" in result.stdout
    assert platform.unit("model_api")["pid"] != before


def test_other_ports_need_a_platform_that_is_down(platform: Platform) -> None:
    platform.up()
    result = platform.run("up", BARTIZAN_PORT_OFFSET=str(platform.ports.offset + 1))
    assert result.returncode == 1
    assert "bartizan down" in result.stderr
    assert platform.status()["healthy"]
