"""Locks between commands, held by the kernel: the death of their holder frees them."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bartizan.errors import BartizanError

_POLL = 0.1


def is_held(file: Path) -> bool:
    """Whether some process holds the lock now."""
    if not file.exists():
        return False
    with file.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holder(file: Path) -> int:
    """The pid of the process that holds the lock (or held it last)."""
    return int(file.read_text())


@contextlib.contextmanager
def held(
    file: Path, *, wait: float = 0.0, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Holds the lock meanwhile; waits for it at most `wait` seconds, after calling `waiting`.

    Raises `BartizanError` where another process keeps it.
    """
    deadline = time.monotonic() + wait
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BartizanError(
                        "another bartizan command is at work on this platform: try again later"
                    ) from None
                if waiting is not None:
                    waiting()
                    waiting = None
                time.sleep(_POLL)
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)
