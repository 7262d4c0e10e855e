"""The logs of the services: each writes to its own file and needs nobody to go on writing."""

import shutil
from pathlib import Path

LARGEST = 20 * 1024 * 1024
KEPT = 3


def rotate(file: Path, *, largest: int = LARGEST, kept: int = KEPT) -> None:
    """Moves the content of a log that has grown past `largest` bytes to `.1`, `.1` to `.2` …

    The file is emptied in place, because its writer holds it open (to append). A line written
    between the copy and the emptying is lost: that is the price of writers that outlive us.
    """
    if not file.exists() or file.stat().st_size <= largest:
        return
    for number in range(kept - 1, 0, -1):
        older = file.with_name(f"{file.name}.{number}")
        if older.exists():
            older.replace(file.with_name(f"{file.name}.{number + 1}"))
    shutil.copyfile(file, file.with_name(f"{file.name}.1"))
    with file.open("r+b") as stream:
        stream.truncate(0)


def tail(file: Path, lines: int, *, largest: int = 64 * 1024) -> list[str]:
    """The last lines of a log, read from its last `largest` bytes."""
    if not file.exists():
        return []
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - largest))
        text = stream.read().decode(errors="replace")
    return text.splitlines()[-lines:] if lines else []
