"""Files of any size pass in constant memory, no faster than the slower side takes them."""

import asyncio
import hashlib
from collections.abc import Callable

import httpx

from dashboard_backend.tests.support.process import Child
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream, answer
from dashboard_backend.tests.support.waiting import eventually

MIB = 1024 * 1024
BODY = 300 * MIB
PIECE = bytes(range(256)) * 1024
# What the buffers of the kernel may take in before anybody has read: four sockets' worth.
HELD_BY_THE_KERNEL = 48 * MIB
GROWTH = 24 * MIB


async def stalled(moved: Callable[[], int]) -> int:
    """Wait until something has moved and no more does, and return how much has."""
    await eventually(moved)
    before = -1
    while before != moved():
        before = moved()
        await asyncio.sleep(0.5)
    return before


async def connect(child: Child, line: str, *fields: str) -> tuple[
    asyncio.StreamReader, asyncio.StreamWriter
]:  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
    head = [f"{line} HTTP/1.1", "Host: x", f"X-API-Key: {child.token()}", *fields, "", ""]
    writer.write("\r\n".join(head).encode())
    return reader, writer


async def test_upload_waits_for_a_slow_service_in_constant_memory(
    child: Child, upstream: ScriptedUpstream
) -> None:
    release = asyncio.Event()
    arrived = hashlib.sha256()

    async def slow(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await release.wait()
        left = int(request.fields["content-length"])
        while left:
            piece = await reader.read(min(left, 64 * 1024))
            arrived.update(piece)
            left -= len(piece)
        writer.write(answer(b"{}", "202 Accepted"))

    upstream.script = slow
    sent = 0
    told = hashlib.sha256()

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < BODY:
            writer.write(PIECE)
            await writer.drain()
            told.update(PIECE)
            sent += len(PIECE)

    async with asyncio.timeout(300), httpx.AsyncClient() as client:
        await child.ready(client)
        before = child.peak_bytes()
        reader, writer = await connect(
            child, "POST /api/training/data?name=mails", f"Content-Length: {BODY}"
        )
        sending = asyncio.create_task(send(writer))
        assert await stalled(lambda: sent) < HELD_BY_THE_KERNEL
        release.set()
        await sending
        assert await reader.readline() == b"HTTP/1.1 202 Accepted\r\n"
        writer.close()
    assert arrived.hexdigest() == told.hexdigest()
    assert child.peak_bytes() - before < GROWTH


async def test_download_waits_for_a_slow_caller_in_constant_memory(
    child: Child, upstream: ScriptedUpstream
) -> None:
    written = 0

    async def pour(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal written
        del request, reader
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n".encode())
        while written < BODY:
            writer.write(PIECE)
            await writer.drain()
            written += len(PIECE)

    upstream.script = pour
    async with asyncio.timeout(300), httpx.AsyncClient() as client:
        await child.ready(client)
        before = child.peak_bytes()
        reader, writer = await connect(child, "GET /api/training/data/mails/versions/1/quarantine")
        assert await stalled(lambda: written) < HELD_BY_THE_KERNEL
        await reader.readuntil(b"\r\n\r\n")
        left = BODY
        while left:
            piece = await reader.read(min(left, 64 * 1024))
            assert piece
            left -= len(piece)
        writer.close()
    assert child.peak_bytes() - before < GROWTH
