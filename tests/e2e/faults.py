"""What goes wrong in a fault test, and how it is put right again."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator

import psutil

from e2e.running_platform import Platform, Unit
from e2e.waiting import until


def kill(platform: Platform, name: str) -> Unit:
    """`kill -9` of a service's process; what was known of it before."""
    return kill_now(platform.status().unit(name))


def kill_now(unit: Unit) -> Unit:
    """The same without a look at the status first, for moments that are shorter than that look."""
    assert unit.pid is not None, f"{unit.name} does not run"
    os.kill(unit.pid, signal.SIGKILL)
    return unit


async def restarted(platform: Platform, before: Unit) -> Unit:
    """Returns once the supervisor has the service ready again, in a new process."""

    async def again() -> Unit | None:
        status = platform.status()
        unit = status.unit(before.name)
        is_new = unit.restarts > before.restarts and unit.pid not in (None, before.pid)
        return unit if is_new and unit.state == "ready" and status.healthy else None

    unit = await until(again, f"{before.name} is restarted and all is ready", seconds=60, every=0.5)
    assert unit is not None
    return unit


@contextlib.contextmanager
def paused(platform: Platform, name: str) -> Iterator[None]:
    """Stops a service and its children in their tracks (SIGSTOP) for the length of the block.

    Worse than a crash for those who talk to it: connections stay open and nothing comes back.
    """
    root = psutil.Process(platform.pid(name))
    # Its parent first: it could start more children.
    processes = [root]
    root.suspend()
    for child in root.children(recursive=True):
        child.suspend()
        processes.append(child)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


@contextlib.asynccontextmanager
async def gone(platform: Platform, name: str) -> AsyncIterator[None]:
    """The same, but in the end the service is killed where it stands and started anew.

    One that goes on reads what was sent to it meanwhile, so that whoever did not wait for an answer
    would be proved right.
    """
    with paused(platform, name):
        before = platform.status().unit(name)
        yield
        kill_now(before)
    await restarted(platform, before)
