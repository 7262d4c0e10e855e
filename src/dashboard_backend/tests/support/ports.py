"""Ports for servers that are told theirs."""

import socket

_held: list[socket.socket] = []
"""Kept bound for as long as the tests run: a server that comes later, or comes back, finds its port
free, since the kernel gives it to nobody else meanwhile."""


def free_port() -> int:
    """A port that nobody but a server of these tests will listen on."""
    holder = socket.socket()
    # Who listens says so, too: then both may have the port, as long as this one does not listen.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    port: int = holder.getsockname()[1]
    return port
