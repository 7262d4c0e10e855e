"""The local folders of workers."""

import subprocess
from pathlib import Path

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
