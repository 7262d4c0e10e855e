"""Sliding windows of many subjects in bounded memory."""

import ipaddress
from collections import OrderedDict

from dashboard_backend.domain.rate_limits import RateDecision, RateLimit, SlidingWindow

_NETWORK_BITS = 64


class BoundedWindows:
    """At most `capacity` subjects; the one that was idle longest is forgotten first."""

    def __init__(self, capacity: int = 10_000) -> None:
        """Holds nothing yet."""
        self._capacity = capacity
        self._windows: OrderedDict[str, SlidingWindow] = OrderedDict()

    def __len__(self) -> int:
        """How many subjects are remembered."""
        return len(self._windows)

    def take(self, subject: str, limit: RateLimit, now: float) -> RateDecision:
        """Spend one of the subject's quota at `now` (seconds)."""
        window = self._windows.get(subject)
        if window is None or window.limit != limit:
            window = self._windows[subject] = SlidingWindow(limit)
        self._windows.move_to_end(subject)
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)
        return window.take(now)

    def look(self, subject: str, limit: RateLimit, now: float) -> RateDecision:
        """What `take` would answer, spending nothing."""
        return self._windows.get(subject, SlidingWindow(limit)).look(now)


def address_subject(host: str) -> str:
    """The subject that an address counts for: an IPv6 caller owns a whole /64."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return (
            str(mapped)
            if mapped
            else str(ipaddress.ip_network((int(address), _NETWORK_BITS), strict=False))
        )
    return host
