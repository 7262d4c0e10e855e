"""What each version did, counted by the second: what the gates of a rollout look at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from model_api.domain.deployments.latencies import bucket_of
from model_api.domain.deployments.routing import Role
from model_api.domain.judging.decision import Decision

type TallyKey = tuple[str, Role]
"""A version and the role in which it judged."""


@dataclass(slots=True)
class Tally:
    """Counts of one version in one role during one second.

    ``predictions`` are inputs given to the version, ``errors`` those of them that it did not
    judge. Blocked and flagged is what the policy's rules said, whether or not it enforces them.
    ``latencies`` has the judged ones by bucket of domain/deployments/latencies.py. ``compared``
    inputs were judged by another version too, for ``disagreements`` of them otherwise.
    """

    predictions: int = 0
    errors: int = 0
    blocked: int = 0
    flagged: int = 0
    latency_us: int = 0
    latencies: dict[int, int] = field(default_factory=dict)
    compared: int = 0
    disagreements: int = 0

    def judged(self, would_be_decision: Decision, latency_us: int) -> None:
        """Count one input that was judged."""
        self.predictions += 1
        if would_be_decision is Decision.BLOCK:
            self.blocked += 1
        elif would_be_decision is Decision.FLAG:
            self.flagged += 1
        self.latency_us += latency_us
        bucket = bucket_of(latency_us)
        self.latencies[bucket] = self.latencies.get(bucket, 0) + 1

    def failed(self) -> None:
        """Count one input that was not judged."""
        self.predictions += 1
        self.errors += 1

    def add(self, other: "Tally") -> None:
        """Count what ``other`` counted as well."""
        self.predictions += other.predictions
        self.errors += other.errors
        self.blocked += other.blocked
        self.flagged += other.flagged
        self.latency_us += other.latency_us
        self.compared += other.compared
        self.disagreements += other.disagreements
        for bucket, count in other.latencies.items():
            self.latencies[bucket] = self.latencies.get(bucket, 0) + count


@dataclass(frozen=True, slots=True)
class Second:
    """The tally of one key in the second that began at ``at``, since the epoch."""

    at: int
    version: str
    role: Role
    tally: Tally


class TallyBook:
    """Tallies by second and key. What is not taken for long is kept by the minute, so that memory
    stays bounded."""

    def __init__(self, max_seconds: int = 900) -> None:
        self._max_seconds = max_seconds
        self._seconds: dict[int, dict[TallyKey, Tally]] = {}

    def of(self, at: int, version: str, role: Role) -> Tally:
        """The tally to count in, of the second that began at ``at``."""
        second = self._seconds.get(at)
        if second is None:
            if len(self._seconds) >= self._max_seconds:
                self._fold()
            second = self._seconds[at] = {}
        key = (version, role)
        tally = second.get(key)
        if tally is None:
            tally = second[key] = Tally()
        return tally

    def take(self, before: int) -> list[Second]:
        """Hand over all seconds before ``before``, which must have passed."""
        finished = sorted(at for at in self._seconds if at < before)
        return list(_flat((at, self._seconds.pop(at)) for at in finished))

    def _fold(self) -> None:
        """Put the older half into the minutes that they belong to."""
        older = sorted(self._seconds)[: self._max_seconds // 2]
        for at, tallies in [(at, self._seconds.pop(at)) for at in older]:
            minute = self._seconds.setdefault(at - at % 60, {})
            for key, tally in tallies.items():
                minute.setdefault(key, Tally()).add(tally)


def _flat(seconds: Iterable[tuple[int, dict[TallyKey, Tally]]]) -> Iterator[Second]:
    for at, tallies in seconds:
        for (version, role), tally in tallies.items():
            yield Second(at, version, role, tally)
