"""CPU time of processes and of those they started."""

from collections.abc import Mapping

import psutil


def clock(roots: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """CPU seconds (user and system) so far of each named process and its descendants, by pid."""
    return {name: _tree(psutil.Process(pid)) for name, pid in roots.items()}


def spent(
    before: Mapping[str, Mapping[int, float]], after: Mapping[str, Mapping[int, float]]
) -> dict[str, float]:
    """CPU seconds between two clocks; a process that was not there before counts from zero."""
    return {
        name: sum(seconds - before[name].get(pid, 0.0) for pid, seconds in processes.items())
        for name, processes in after.items()
    }


def _tree(root: psutil.Process) -> dict[int, float]:
    found = {}
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found[process.pid] = times.user + times.system
    return found
