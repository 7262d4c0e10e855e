"""Readiness, asked of the services themselves."""

import asyncio
import time

from bartizan.ports import LOOPBACK
from bartizan.supervision.units import Probe


def http(port: int, path: str = "/health/ready") -> Probe:
    """Ready when a GET is answered with 200."""

    async def probe() -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            status = (await reader.readline()).split()
            return len(status) > 1 and status[1] == b"200"
        finally:
            writer.close()

    return probe


class Steady:
    """For a process that has no port to ask: ready when it has lasted for some seconds."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._started = 0.0

    async def prepare(self) -> None:
        """Begins the count anew; to be awaited before each start."""
        self._started = time.monotonic()

    async def ready(self) -> bool:
        return time.monotonic() - self._started >= self._seconds
