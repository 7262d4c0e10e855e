"""Counts what recorder and relay tell, for tests to look at."""

from collections import Counter

from model_api.events.outcome import Outcome


class RecorderCounters:
    """Satisfies RecorderMetrics."""

    def __init__(self) -> None:
        self.groups: list[tuple[Outcome, int]] = []
        self.replays = 0
        self.losses = 0
        self.spool_size = 0
        self.quarantined = 0

    def recorded(self, outcome: Outcome, count: int, seconds: float) -> None:
        assert seconds >= 0
        self.groups.append((outcome, count))

    def lost(self, count: int) -> None:
        self.losses += count

    def replayed(self, count: int) -> None:
        self.replays += count

    def spool(self, size_bytes: int, quarantined: int, dropped_bytes: int) -> None:
        assert dropped_bytes >= 0
        self.spool_size = size_bytes
        self.quarantined = quarantined


class RelayCounters:
    """Satisfies RelayMetrics."""

    def __init__(self) -> None:
        self.events = 0
        self.failures: Counter[str] = Counter()
        self.waiting = 0
        self.parked = 0

    def published(self, count: int) -> None:
        self.events += count

    def failed(self, reason: str) -> None:
        self.failures[reason] += 1

    def outbox(self, waiting: int, parked: int) -> None:
        self.waiting = waiting
        self.parked = parked
