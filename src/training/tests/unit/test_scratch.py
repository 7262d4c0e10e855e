"""The local folders of workers."""

import fcntl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from training.tests.support import child
from training.work.jobs.scratch import scratch_of

HOLD = """
import sys
from pathlib import Path
from training.work.jobs.scratch import scratch_of
with scratch_of(Path(sys.argv[1])) as own:
    (own / "left").write_text("over")
    print(own, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_worker_left_is_removed_and_what_a_living_one_holds_is_not(
    tmp_path: Path,
) -> None:
    processes = []
    for _ in range(2):
        process = subprocess.Popen(
            child.python("-c", HOLD, str(tmp_path)),
            env=child.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    folders = []
    for process in processes:
        assert process.stdout is not None
        folders.append(Path(process.stdout.readline().strip()))
    killed, living = processes
    killed.kill()
    killed.wait()
    with scratch_of(tmp_path) as own:
        assert not folders[0].exists()
        assert (folders[1] / "left").exists()
        assert own.is_dir()
    assert not own.exists()
    living.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_has_not_locked_its_folder_yet_is_not_taken_for_a_killed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one starts in the middle of the first one's start, and gets as far as it can."""
    others: list[subprocess.Popen[str]] = []
    lock = fcntl.flock

    def start_another(file: Any, how: int) -> None:
        if not others and not isinstance(file, int):
            other = subprocess.Popen(
                child.python("-c", HOLD, str(tmp_path)),
                env=child.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            others.append(other)
            while not (_waits_for_a_lock(other.pid) or len(list(tmp_path.iterdir())) > 1):
                assert other.poll() is None
                assert Path(file.name).exists()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", start_another)
    with scratch_of(tmp_path) as own:
        (other,) = others
        assert other.stdout is not None
        assert other.stdout.readline()
        assert own.is_dir()
        other.communicate("")


def _waits_for_a_lock(pid: int) -> bool:
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and line.split()[5] == str(pid) for line in lines)


def test_what_a_worker_left_that_was_killed_before_it_had_a_lock_is_removed(tmp_path: Path) -> None:
    (tmp_path / "worker-x").mkdir()
    with scratch_of(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]
