"""How long a call to a service may be idle, and how many long ones there may be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dashboard_backend.adapters.upstream_http import HttpUpstream
from dashboard_backend.domain.upstream import DeadlineError, OverloadedError, UpstreamRequest
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream, answer, read_body
from dashboard_backend.utils.circuit_breaker import BreakerState, CircuitBreaker
from dashboard_backend.utils.performance_monitor import PerformanceMonitor

IDLE_S = 1.5
PAUSE_S = 0.2
PIECES = 9
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def asking(
    body: bytes | AsyncIterator[bytes] | None = None,
    *,
    open_ended: bool = False,
    idle_s: float = IDLE_S,
) -> UpstreamRequest:
    deadline = asyncio.get_running_loop().time() + (IDLE_S if open_ended else 3600)
    return UpstreamRequest("POST", "/", {}, body, deadline, idle_s, open_ended)


async def read(
    service: HttpUpstream, request: UpstreamRequest, take: Callable[[bytes], Awaitable[object]]
) -> None:
    """Make the call; `take` is what is done with each piece of the answer."""
    async with service.call(request) as received:
        async for piece in received.pieces():
            await take(piece)


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(failures=1)


@pytest.fixture
async def service(
    upstream: ScriptedUpstream, breaker: CircuitBreaker
) -> AsyncIterator[HttpUpstream]:
    service = HttpUpstream("training", upstream.url, PerformanceMonitor(), breaker, 4)
    await service.open()
    yield service
    await service.close()


@pytest.mark.parametrize("open_ended", [False, True])
async def test_call_in_which_something_moves_goes_on(
    service: HttpUpstream, upstream: ScriptedUpstream, open_ended: bool
) -> None:
    assert PIECES * PAUSE_S > IDLE_S

    async def steadily() -> AsyncIterator[bytes]:
        for _ in range(PIECES):
            await asyncio.sleep(PAUSE_S)
            yield b"piece"

    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        writer.write(HEAD)
        for _ in range(PIECES):
            writer.write(b"5\r\npiece\r\n")
            await asyncio.sleep(PAUSE_S)
        writer.write(b"0\r\n\r\n")

    upstream.script = tell
    body = None if open_ended else steadily()
    async with service.call(asking(body, open_ended=open_ended)) as received:
        pieces = [piece async for piece in received.pieces()]
    assert b"".join(pieces) == b"piece" * PIECES


async def test_service_that_falls_silent_is_given_up(
    service: HttpUpstream, upstream: ScriptedUpstream, breaker: CircuitBreaker
) -> None:
    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request
        writer.write(HEAD + b"5\r\npiece\r\n")
        await reader.read()

    upstream.script = tell
    async with asyncio.timeout(60):
        with pytest.raises(DeadlineError) as caught:
            await read(service, asking(open_ended=True), lambda _: asyncio.sleep(0))
        await asyncio.gather(*upstream.tasks)
    assert not caught.value.waited_for_caller
    assert breaker.state is BreakerState.OPEN


async def test_caller_who_falls_silent_is_given_up_without_blame(
    service: HttpUpstream, upstream: ScriptedUpstream, breaker: CircuitBreaker
) -> None:
    async def falls_silent() -> AsyncIterator[bytes]:
        yield b"piece"
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        with pytest.raises(DeadlineError) as caught:
            await read(service, asking(falls_silent()), lambda _: asyncio.sleep(0))
        await asyncio.gather(*upstream.tasks)
    assert caught.value.waited_for_caller
    assert breaker.state is BreakerState.CLOSED


async def test_caller_who_does_not_read_is_given_up_without_blame(
    service: HttpUpstream, upstream: ScriptedUpstream, breaker: CircuitBreaker
) -> None:
    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        writer.write(answer(b"piece"))

    upstream.script = tell
    async with asyncio.timeout(60):
        with pytest.raises(DeadlineError) as caught:
            await read(service, asking(), lambda _: asyncio.Event().wait())
    assert caught.value.waited_for_caller
    assert breaker.state is BreakerState.CLOSED


async def test_long_calls_leave_room_for_short_ones(
    service: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        writer.write(HEAD)

    upstream.script = tell
    short = UpstreamRequest("GET", "/", {}, None, asyncio.get_running_loop().time() + 60)
    async with service.call(asking(idle_s=60)), service.call(asking(idle_s=60)):
        with pytest.raises(OverloadedError):
            await read(service, asking(), lambda _: asyncio.sleep(0))
        async with service.call(short) as received:
            assert received.status == 200
