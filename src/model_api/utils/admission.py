"""How much work may be in flight at once, so that memory stays bounded under any load."""

from collections.abc import Iterator
from contextlib import contextmanager


class Overloaded(Exception):
    """No more can be taken on now; try again shortly."""


class Ticket:
    """One admitted request and the bytes that it holds."""

    __slots__ = ("_admission", "held_bytes")

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self.held_bytes = 0

    def hold(self, count: int) -> None:
        """Account for `count` more bytes of body; raises Overloaded where they are too many."""
        admission = self._admission
        if admission.held_bytes + count > admission.max_bytes:
            admission.shed += 1
            raise Overloaded
        admission.held_bytes += count
        self.held_bytes += count


class Admission:
    """Counts requests and their bytes; belongs to one event loop."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.requests = 0
        self.held_bytes = 0
        self.shed = 0

    @contextmanager
    def admit(self) -> Iterator[Ticket]:
        """Take on one request for the length of the block, or raise Overloaded."""
        if self.requests >= self.max_requests:
            self.shed += 1
            raise Overloaded
        ticket = Ticket(self)
        self.requests += 1
        try:
            yield ticket
        finally:
            self.requests -= 1
            self.held_bytes -= ticket.held_bytes
