import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bartizan.supervision.identity import identity
from bartizan.supervision.records import Record, Records, stop_all

SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(600)"
)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True) as process:
        yield process
        process.kill()


def record_of(pid: int, *, seconds: float = 5.0, known: str | None = None) -> Record:
    return Record("it", pid, known or identity(pid) or "", signal.SIGTERM, seconds)


def test_a_process_is_known_by_more_than_its_pid(process: subprocess.Popen[bytes]) -> None:
    assert identity(process.pid) == identity(process.pid)
    assert identity(process.pid) != identity(os.getpid())
    process.kill()
    process.wait()
    assert identity(process.pid) is None


def test_a_zombie_is_dead(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identity(process.pid) is None


def test_another_process_with_the_same_pid_is_never_touched(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    records = Records(tmp_path)
    records.write(record_of(process.pid, known="an earlier boot:1"))
    assert records.living() == []
    assert list(tmp_path.iterdir()) == []
    stop_all([record_of(process.pid, known="an earlier boot:1")])
    assert process.poll() is None


def test_a_torn_record_is_removed(tmp_path: Path) -> None:
    (tmp_path / "it.json").write_bytes(b'{"name": "it", "pi')
    assert Records(tmp_path).living() == []
    assert list(tmp_path.iterdir()) == []


def test_who_does_not_stop_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        records = Records(tmp_path)
        records.write(record_of(process.pid, seconds=0.2))
        stop_all(records.living())
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert records.living() == []
