"""Bodies flow both ways, under the limit, and the slow are not waited for."""

import asyncio
from collections.abc import AsyncIterator

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream, answer
from dashboard_backend.tests.support.waiting import eventually

PREDICT = "/api/model_api/predict"
FEEDBACK = "/api/model_api/feedback"
FEEDBACK_LIMIT = 64 * 1024


async def test_large_body_of_known_length_arrives_whole(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    body = bytes(range(256)) * 20_000
    came = await gateway.client.post(PREDICT, content=body, headers=gateway.bearer())
    assert came.status_code == 200
    assert upstream.requests[0].body == body
    assert upstream.requests[0].fields["content-length"] == str(len(body))


async def test_body_of_unknown_length_flows_before_it_ends(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    arrived = asyncio.Event()

    async def watch(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert request.fields["transfer-encoding"] == "chunked"
        await reader.readuntil(b"first")
        arrived.set()
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(answer())

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await arrived.wait()
        yield b"second"

    upstream.script = watch
    async with asyncio.timeout(60):
        came = await gateway.client.post(PREDICT, content=pieces(), headers=gateway.bearer())
    assert came.status_code == 200


async def test_answer_flows_before_it_ends(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    seen = asyncio.Event()

    async def trickle(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"
        )
        await seen.wait()
        writer.write(b"5\r\nthree\r\n0\r\n\r\n")

    upstream.script = trickle
    headers = gateway.bearer()
    received = b""
    async with (
        asyncio.timeout(60),
        gateway.client.stream("GET", "/api/model_api/models", headers=headers) as came,
    ):
        async for piece in came.aiter_raw():
            received += piece
            seen.set()
    assert received == b"onetwothree"


async def test_body_declared_too_large_is_refused_unread(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        f"POST {FEEDBACK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n"
        f"Content-Length: {FEEDBACK_LIMIT + 1}\r\n\r\n".encode()
    )
    async with asyncio.timeout(60):
        assert await reader.readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    writer.close()
    assert upstream.requests == []


async def test_body_that_grows_too_large_is_stopped(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * FEEDBACK_LIMIT:
            sent += 16_384
            yield bytes(16_384)

    came = await gateway.client.post(FEEDBACK, content=endless(), headers=gateway.bearer())
    assert (came.status_code, came.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert all(len(request.body) <= FEEDBACK_LIMIT for request in upstream.requests)


async def test_route_without_a_body_takes_none(gateway: Gateway) -> None:
    came = await gateway.client.request(
        "GET", "/api/model_api/models", content=b"x", headers=gateway.bearer()
    )
    assert came.status_code == 413


async def test_caller_who_sends_too_slowly_is_told_so(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    for framing in ("Content-Length: 10", "Transfer-Encoding: chunked"):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(
            f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n"
            f"X-Request-Deadline-Ms: 1500\r\n{framing}\r\n\r\n".encode()
        )
        async with asyncio.timeout(60):
            assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
        writer.close()
    health = await gateway.client.get("/health")
    assert set(health.json()["upstreams"].values()) == {"closed"}


async def test_answer_before_the_body_is_whole_passes_and_its_connection_is_not_used_again(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    async def refuse_unread(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if request.line.startswith("POST"):
            writer.write(answer(b"{}", "409 Conflict"))
            await reader.read()
        else:
            writer.write(answer())

    upstream.script = refuse_unread
    async with asyncio.timeout(60):
        came = await gateway.client.post(
            "/api/training/data", content=bytes(8 * 1024 * 1024), headers=gateway.bearer()
        )
        assert came.status_code == 409
        came = await gateway.client.get("/api/training/data", headers=gateway.bearer())
    assert came.status_code == 200
    assert upstream.connections == 2


async def test_caller_who_hangs_up_ends_the_call(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode()
    )
    await eventually(lambda: upstream.requests)
    writer.close()
    del reader
    async with asyncio.timeout(60):
        await asyncio.gather(*upstream.tasks)
    assert upstream.requests[0].body == b"hello"
