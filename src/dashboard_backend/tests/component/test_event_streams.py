"""Events of a job pass one by one, for as long as they come."""

import asyncio
import itertools

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream

EVENTS = "/api/training/jobs/0198c0de-0000-7000-8000-000000000001/events"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_each_event_arrives_before_the_next_is_told(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    seen = [asyncio.Event() for _ in range(20)]

    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        writer.write(HEAD)
        for number, arrived in enumerate(seen):
            writer.write(chunk(b"id: %d\ndata: {}\n\n" % number))
            await arrived.wait()
        writer.write(chunk(b""))

    upstream.script = tell
    headers = gateway.bearer() | {"Last-Event-ID": "41"}
    received = []
    async with (
        asyncio.timeout(60),
        gateway.client.stream("GET", EVENTS, headers=headers) as came,
    ):
        assert came.headers["content-type"] == "text/event-stream"
        async for piece in came.aiter_raw():
            received.append(piece)
            seen[len(received) - 1].set()
    assert received == [b"id: %d\ndata: {}\n\n" % number for number in range(20)]
    assert upstream.requests[0].fields["last-event-id"] == "41"


async def test_head_of_a_silent_stream_arrives_at_once(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    opened = asyncio.Event()

    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        writer.write(HEAD)
        await opened.wait()
        writer.write(chunk(b"line\n") + chunk(b""))

    upstream.script = tell
    log = EVENTS.replace("events", "log?follow=true")
    async with (
        asyncio.timeout(60),
        gateway.client.stream("GET", log, headers=gateway.bearer()) as came,
    ):
        opened.set()
        assert [piece async for piece in came.aiter_raw()] == [b"line\n"]


async def test_stream_outlives_the_deadline_of_its_head(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    deadline_s = 2.0
    loop = asyncio.get_running_loop()

    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del reader
        assert "x-request-deadline-ms" not in request.fields
        writer.write(HEAD)
        began = loop.time()
        for number in itertools.count():
            writer.write(chunk(b"id: %d\ndata: {}\n\n" % number))
            if loop.time() - began > 1.2 * deadline_s:
                break
            await asyncio.sleep(deadline_s / 10)
        writer.write(chunk(b""))

    upstream.script = tell
    headers = gateway.bearer() | {"X-Request-Deadline-Ms": str(int(deadline_s * 1000))}
    async with asyncio.timeout(60):
        came = await gateway.client.get(EVENTS, headers=headers)
    assert came.text.count("data: {}") > 3


async def test_stream_whose_head_does_not_come_is_504(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    async def silent(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, writer
        await reader.read()

    upstream.script = silent
    headers = gateway.bearer() | {"X-Request-Deadline-Ms": "200"}
    async with asyncio.timeout(60):
        came = await gateway.client.get(EVENTS, headers=headers)
    assert (came.status_code, came.json()["code"]) == (504, "DEADLINE_EXCEEDED")


async def test_stream_that_breaks_off_is_not_made_whole(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    async def tell(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        writer.write(HEAD + chunk(b"id: 1\ndata: {}\n\n"))
        await writer.drain()
        writer.close()

    upstream.script = tell
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {gateway.admin}\r\n\r\n".encode())
    async with asyncio.timeout(60):
        received = await reader.read()
    writer.close()
    assert received.endswith(b"id: 1\ndata: {}\n\n\r\n")
