"""Readiness, asked of the services themselves."""

import asyncio

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
