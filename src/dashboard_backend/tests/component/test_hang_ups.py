"""When one side goes, the other is not kept; and no caller's fault is counted as a service's."""

import asyncio

import pytest

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream, read_body
from dashboard_backend.tests.support.waiting import eventually

type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MORE_THAN_OPEN_THE_CIRCUIT = 7


async def silent(
    request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Take the request and never answer; end when the gateway hangs up."""
    await read_body(request, reader)
    assert await reader.read() == b""
    writer.close()


async def speak(gateway: Gateway, line: str, rest: str = "\r\n") -> Connection:
    """Send a request by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n"
    writer.write((head + rest).encode())
    return reader, writer


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("GET /api/model_api/models", "\r\n"),
        ("POST /api/model_api/predict", "Content-Length: 2\r\n\r\n{}"),
        ("POST /api/training/data", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        ("GET /api/training/jobs/1/events", "\r\n"),
    ],
)
async def test_caller_who_hangs_up_while_waiting_ends_the_call(
    gateway: Gateway, upstream: ScriptedUpstream, line: str, rest: str
) -> None:
    upstream.script = silent
    for _ in range(MORE_THAN_OPEN_THE_CIRCUIT):
        _, writer = await speak(gateway, line, rest)
        await eventually(lambda: upstream.requests)
        writer.close()
        async with asyncio.timeout(60):
            await asyncio.gather(*upstream.tasks)
        upstream.requests.clear()
    health = (await gateway.client.get("/health")).json()
    assert set(health["upstreams"].values()) == {"closed"}


async def test_caller_who_hangs_up_between_events_ends_the_stream(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    async def one_event(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n")
        assert await reader.read() == b""

    upstream.script = one_event
    reader, writer = await speak(gateway, "GET /api/training/jobs/1/events")
    async with asyncio.timeout(60):
        await reader.readuntil(b":\n\n")
        writer.close()
        await asyncio.gather(*upstream.tasks)


async def test_hanging_up_in_the_middle_of_a_body_is_not_the_services_failure(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    for _ in range(MORE_THAN_OPEN_THE_CIRCUIT):
        _, writer = await speak(
            gateway, "POST /api/training/data", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
        )
        await eventually(lambda: upstream.requests)
        writer.close()
        async with asyncio.timeout(60):
            await asyncio.gather(*upstream.tasks)
        upstream.requests.clear()
    health = (await gateway.client.get("/health")).json()
    assert health["upstreams"]["training"] == "closed"
    metrics = gateway.service.render_metrics().decode()
    assert 'upstream_errors_total{kind="BrokenAnswerError"' not in metrics


async def test_slow_body_is_not_the_services_failure(gateway: Gateway) -> None:
    # At the same time, since each is waited for: long enough that a busy machine is not too slow.
    rest = "X-Request-Deadline-Ms: 1500\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    slow = [
        await speak(gateway, "POST /api/training/data", rest)
        for _ in range(MORE_THAN_OPEN_THE_CIRCUIT)
    ]
    async with asyncio.timeout(60):
        for reader, writer in slow:
            assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
            writer.close()
    health = (await gateway.client.get("/health")).json()
    assert health["upstreams"]["training"] == "closed"
