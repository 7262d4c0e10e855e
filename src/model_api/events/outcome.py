"""What became of records: ``Outcome``, ``RecorderFull``, and the counters told of it."""

from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """Where the records of a call are when it returns."""

    COMMITTED = "committed"
    SPOOLED = "spooled"
    QUEUED = "queued"


class RecorderFull(Exception):
    """The records could be kept nowhere: the queue or the spool is full, or the disk refuses."""


class RecorderMetrics(Protocol):
    """Told of all that the recorder does; called on the event loop, so it must not block."""

    def recorded(self, outcome: Outcome, count: int, seconds: float) -> None:
        """A group of ``count`` records was committed or spooled, which took so long."""

    def lost(self, count: int) -> None:
        """So many records were refused."""

    def replayed(self, count: int) -> None:
        """So many records went from the spool to the database."""

    def spool(self, size_bytes: int, quarantined: int, dropped_bytes: int) -> None:
        """The size of the spool now, and its totals since the start."""
