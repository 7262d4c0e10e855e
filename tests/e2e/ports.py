"""Free ports for one more platform on this machine."""

import random
import socket

FIRST = (5432, 6379, 8000, 8007, 18000, 18001, 18007)
"""Before the offset: PostgreSQL, Redis, the two APIs, the ops ports of guard, relay, gateway."""

_HIGHEST_OFFSET = 14_000
"""Keeps all ports below 32768, where Linux begins to hand out ephemeral ones."""


def free_offset() -> int:
    """A BARTIZAN_PORT_OFFSET at which every port of the platform is free at this moment."""
    offsets = random.sample(range(100, _HIGHEST_OFFSET), 200)
    return next(offset for offset in offsets if all(map(is_free, (p + offset for p in FIRST))))


def is_free(port: int) -> bool:
    """Whether nobody listens on the port, nor holds it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
