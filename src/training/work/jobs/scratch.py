"""Local folders for jobs, which are gone when their worker is: ``scratch_of(folder)``."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
    with ExitStack() as stack:
        # Between making its folder and locking it a worker looks like a killed one.
        with _locked(folder):
            for left in folder.glob(f"{_PREFIX}*"):
                _remove_unheld(left)
            own = stack.enter_context(
                TemporaryDirectory(dir=folder, prefix=_PREFIX, ignore_cleanup_errors=True)
            )
            lock = stack.enter_context(Path(own, _LOCK).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(own)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_unheld(left: Path) -> None:
    with suppress(BlockingIOError), ExitStack() as stack:
        with suppress(FileNotFoundError):
            # A worker that was killed before it had a lock has left none.
            lock = stack.enter_context((left / _LOCK).open("r"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(left, ignore_errors=True)
