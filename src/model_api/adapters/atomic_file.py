"""A file that is either the old one or the new one, never a part of either, whatever crashes.

``write_atomically(path, content)`` raises ``OSError``; ``put_aside(path)``.
"""

import os
from contextlib import suppress
from pathlib import Path

from model_api.adapters.spool.segment import sync_directory


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file, readable by its owner alone, and have it on the disk."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def put_aside(path: Path) -> Path:
    """Rename a file that makes no sense, so that it is neither read again nor lost."""
    aside = path.with_name(f"{path.name}.corrupt")
    with suppress(OSError):
        path.replace(aside)
    return aside
