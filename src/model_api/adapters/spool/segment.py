"""The file that the spool appends to: whole groups of frames on disk, or nothing of them.

``Segment(path, number)``: ``append(data)`` returns when the data is on the disk, or raises
``OSError`` and takes back what was written; ``size``; ``close()``. ``sync_directory(path)``.
"""

import os
from pathlib import Path


class Segment:
    """A new file, which must not exist yet."""

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self.size = 0
        self.is_sound = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        try:
            sync_directory(path.parent)
        except OSError:
            self.close()
            raise

    def append(self, data: bytes) -> None:
        """Write and sync. After an OSError the segment must not be written to again unless it
        ``is_sound``: what a failed sync left behind is anybody's guess."""
        try:
            self._write(data)
        except OSError:
            self._take_back()
            raise
        try:
            os.fdatasync(self._file)
        except OSError:
            self.is_sound = False
            self._take_back()
            raise
        self.size += len(data)

    def close(self) -> None:
        """Close the file, which stays."""
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self.is_sound = False


def sync_directory(path: Path) -> None:
    """Make the creation or removal of files in a directory last."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
