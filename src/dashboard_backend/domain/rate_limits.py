"""The rate limit: at most `requests` in any interval of `window` seconds, never one more.

A window is counted in `SLOTS` slots. An interval of one window touches at most `SLOTS` + 1 slots,
so the slot in progress and the `SLOTS` before it are what counts: the bound is exact, memory is a
few dozen counters whatever the limit, and a spent request is given back at most
`window / SLOTS` seconds late. The Lua script of the Redis adapter does the same arithmetic.
"""

import math
from dataclasses import dataclass

SLOTS = 60
_NAME = b"default"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A quota: `requests` (≥ 0) in any `window` seconds."""

    requests: int
    window: int = 60


@dataclass(frozen=True, slots=True)
class RateDecision:
    """The answer for one request. `reset` is seconds until more of the quota is available."""

    allowed: bool
    limit: RateLimit
    remaining: int
    reset: float

    def fields(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10."""
        limit = self.limit
        reset = math.ceil(self.reset)
        return [
            (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (_NAME, limit.requests, limit.window)),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (_NAME, self.remaining, reset)),
        ]

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait after a refusal, at least 1."""
        return max(1, math.ceil(self.reset))


class SlidingWindow:
    """The count of one subject, in this process. Not shared between threads."""

    __slots__ = ("_counts", "_newest", "limit")

    def __init__(self, limit: RateLimit) -> None:
        """An unused quota."""
        self.limit = limit
        self._counts: dict[int, int] = {}
        self._newest = 0

    def take(self, now: float, cost: int = 1) -> RateDecision:
        """Spend `cost` of the quota at `now` (seconds), all of it or nothing."""
        used = self._forget_before(now)
        allowed = used + cost <= self.limit.requests
        if allowed:
            self._counts[self._newest] = self._counts.get(self._newest, 0) + cost
            used += cost
        return self._decision(allowed, used, now)

    def look(self, now: float) -> RateDecision:
        """What `take` of 1 would answer, spending nothing."""
        used = self._forget_before(now)
        return self._decision(used < self.limit.requests, used, now)

    def _forget_before(self, now: float) -> int:
        # A clock that stepped back must not free anything: the newest slot seen goes on.
        self._newest = max(self._newest, int(now * SLOTS // self.limit.window))
        oldest = self._newest - SLOTS
        for slot in [slot for slot in self._counts if slot < oldest]:
            del self._counts[slot]
        return sum(self._counts.values())

    def _decision(self, allowed: bool, used: int, now: float) -> RateDecision:
        reset = 0.0
        if self._counts:
            freed_in_slot = min(self._counts) + SLOTS + 1
            reset = max(0.0, freed_in_slot * self.limit.window / SLOTS - now)
        return RateDecision(allowed, self.limit, max(0, self.limit.requests - used), reset)
