"""The load generator itself: it must charge a stalled server for those who had to wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from load.open_loop import drive, percentile

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


@asynccontextmanager
async def answering(before: Callable[[], Awaitable[None]], answer: bytes) -> AsyncIterator[int]:
    """A server that awaits `before` and then answers; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await before()
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_every_request_is_sent_at_its_rate_and_counted() -> None:
    async def at_once() -> None:
        return

    async with answering(at_once, ANSWER) as port:
        sample = await drive("127.0.0.1", port, [REQUEST], rate=200, seconds=0.5)
    assert (len(sample.latencies), sample.errors) == (100, 0)
    assert sample.seconds >= 0.495


async def test_a_stall_is_charged_to_all_who_waited() -> None:
    """One request stalls a server that does one at a time: 100 that were due meanwhile wait."""
    lock = asyncio.Lock()
    stalled_until = time.perf_counter() + 0.7

    async def stall_once() -> None:
        async with lock:
            await asyncio.sleep(stalled_until - time.perf_counter())

    async with answering(stall_once, ANSWER) as port:
        sample = await drive("127.0.0.1", port, [REQUEST], rate=200, seconds=0.5)
    assert percentile(sample.latencies, 0.5) > 0.3


async def test_other_answers_and_broken_connections_are_errors() -> None:
    async def at_once() -> None:
        return

    async with answering(at_once, ANSWER.replace(b"200 OK", b"503 No")) as port:
        refused = await drive("127.0.0.1", port, [REQUEST], rate=100, seconds=0.1)
    assert (refused.latencies, refused.errors) == ([], 10)
    nobody = await drive("127.0.0.1", port, [REQUEST], rate=100, seconds=0.1)
    assert (nobody.latencies, nobody.errors) == ([], 10)


def test_percentiles_are_measured_values_not_interpolations() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.51) == 3.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.99) == 4.0
    assert percentile([1.0], 0.0) == 1.0
