"""Which process a pid meant when it was written down: a pid alone may be another's by now."""

from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STARTED = 19
"""Index of `starttime` in /proc/PID/stat after the command's closing bracket: proc(5), field 22."""


def identity(pid: int) -> str | None:
    """Something that no other process will ever share, or None where no such process lives.

    On Linux the boot and the tick of the start, which no change of the clock moves.
    """
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
        if not _BOOT_ID.exists():
            return f"{psutil.Process(pid).create_time():.2f}"
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None
    return f"{_BOOT_ID.read_text().strip()}:{fields[_STARTED]}"
