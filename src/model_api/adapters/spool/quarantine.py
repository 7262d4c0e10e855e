"""Keeps what can be neither stored nor thrown away, for someone to look at.

``Quarantine(path, max_bytes)``: ``keep(data) -> bool``. The file has the frames of a segment.
"""

import os
from pathlib import Path

from model_api.adapters.spool.frames import pack


class Quarantine:
    """One bounded file, synced at each addition."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def keep(self, data: bytes) -> bool:
        """Add the data; False when the file is full or the disk refuses."""
        frame = pack(data)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            file = os.open(self._path, flags, 0o600)
            try:
                if os.fstat(file).st_size + len(frame) > self._max_bytes:
                    return False
                written = os.write(file, frame)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError:
            return False
        return written == len(frame)
