"""A circuit breaker that lets one probe through at a time.

The states are Nygard's (Release It!, 5.2): closed; open after `failures` in a row; after
`open_seconds` half-open, in which a single call probes while the others are still refused.
(The library `purgatory` lets every waiting call through when half-open, which is the stampede
that the breaker is there to prevent.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class BreakerState(IntEnum):
    """The values are those of the exported gauge."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call, to be handed back with its outcome."""

    generation: int
    probe: bool


class CircuitBreaker:
    """Counts the failures in a row of one dependency. For one event loop; never blocks."""

    def __init__(
        self,
        failures: int = 5,
        open_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens after `failures` in a row, for `open_seconds`; `clock` counts seconds."""
        self._threshold = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing = False
        self._generation = 0

    @property
    def state(self) -> BreakerState:
        """Where the breaker stands now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        waited = self._clock() - self._opened_at
        return BreakerState.HALF_OPEN if waited >= self._open_seconds else BreakerState.OPEN

    def acquire(self) -> Permit | float:
        """A permit, or the seconds after which asking again makes sense."""
        if self._opened_at is None:
            return Permit(self._generation, probe=False)
        left = self._opened_at + self._open_seconds - self._clock()
        if left > 0:
            return left
        if self._probing:
            return 1.0
        self._probing = True
        return Permit(self._generation, probe=True)

    def succeeded(self, permit: Permit) -> None:
        """The dependency answered."""
        if permit.generation != self._generation:
            return
        self._in_a_row = 0
        if permit.probe:
            self._change(opened_at=None)

    def failed(self, permit: Permit) -> None:
        """The dependency did not answer."""
        if permit.generation != self._generation:
            return
        self._in_a_row += 1
        if permit.probe or self._in_a_row >= self._threshold:
            self._change(opened_at=self._clock())

    def abandoned(self, permit: Permit) -> None:
        """The call ended for a reason that says nothing about the dependency."""
        if permit.probe and permit.generation == self._generation:
            self._probing = False

    def _change(self, opened_at: float | None) -> None:
        # Calls that began under the former state must not decide about the new one.
        self._generation += 1
        self._opened_at = opened_at
        self._in_a_row = 0
        self._probing = False
