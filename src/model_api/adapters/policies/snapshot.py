"""The last known policies on disk: ``PolicySnapshot(path)``: ``load()``, ``save(policies)``."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from model_api.adapters.atomic_file import write_atomically
from model_api.adapters.policies.store import StoredPolicy


class SnapshotUnreadable(Exception):
    """There is a snapshot, and it makes no sense."""


class PolicySnapshot:
    """A file that is either the old one or the new one, never a part of either."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[StoredPolicy]:
        """The policies saved last; none where none were. SnapshotUnreadable."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[StoredPolicy])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise SnapshotUnreadable(f"{self._path}: {type(error).__name__}") from error

    def save(self, policies: Sequence[StoredPolicy]) -> None:
        """Replace the file. OSError."""
        write_atomically(self._path, msgspec.json.encode(policies))
