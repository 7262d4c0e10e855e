"""Local folders for jobs, which are gone when their worker is: ``scratch_of(folder)``."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_LOCK = ".lock"
_PREFIX = "worker-"


@contextmanager
def scratch_of(folder: Path) -> Iterator[Path]:
    """A folder of this worker's own inside of `folder`, removed at the end.

    What killed workers have left there is removed at once: a worker that lives holds a lock.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob(f"{_PREFIX}*"):
        _remove_unheld(left)
    with (
        TemporaryDirectory(dir=folder, prefix=_PREFIX, ignore_cleanup_errors=True) as own,
        Path(own, _LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(own)


def _remove_unheld(left: Path) -> None:
    try:
        with (left / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        return
    except FileNotFoundError:
        # Its worker is about to lock it.
        return
