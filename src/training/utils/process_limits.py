"""What a process may use, set by itself: ``die_with_parent()``, ``limit_memory(bytes)``; what there
is: ``usable_memory()``; and ``oom_kills()``: how many processes the kernel has killed here for want
of memory."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CGROUPS = Path("/sys/fs/cgroup")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, where the kernel can."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(limit_bytes: int | None) -> None:
    """Let allocations beyond the limit fail, so that Python raises MemoryError.

    Counts private writable memory, as `RLIMIT_DATA` does: neither files mapped to read, nor
    address space that is only reserved.
    """
    if limit_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def usable_memory() -> int:
    """Bytes of the machine, or of this container where that has fewer."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        container = (_CGROUPS / "memory.max").read_text("ascii").strip()
    except OSError:
        return machine
    return min(machine, int(container)) if container.isdecimal() else machine


def oom_kills() -> int | None:
    """The count of this process's control group; None where there is none to read."""
    try:
        groups = Path("/proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return None
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers == "":
            found = _count(_CGROUPS / path.lstrip("/") / "memory.events")
        elif controllers == "memory":
            found = _count(_CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control")
        else:
            continue
        if found is not None:
            return found
    return None


def kill_group(process_id: int) -> None:
    """Kill the process group that this process leads, if any of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, signal.SIGKILL)


def _count(file: Path) -> int | None:
    try:
        lines = file.read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return None
