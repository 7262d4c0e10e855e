"""Objects are read whole, within bounds, from a store that may lie, fail or hang."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from model_api.adapters.object_store import (
    ObjectMissing,
    ObjectStore,
    ObjectStoreAddress,
    ObjectTooLarge,
    StoreUnavailable,
)
from model_api.tests.support.s3_server import S3Server

type Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def lying(answer: Answering) -> AsyncIterator[ObjectStoreAddress]:
    """A store that answers every request in its own way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield ObjectStoreAddress(f"http://127.0.0.1:{port}", "us-east-1", "bucket", "abc", "def")


def head(length: int) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: x\r\n"
        "Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n\r\n"
    ).encode()


async def test_an_object_is_read_whole(s3: S3Server) -> None:
    s3.put("whole/object", b"x" * 3_000_000)

    assert await ObjectStore(s3.address).get("whole/object", 3_000_000) == b"x" * 3_000_000


async def test_a_missing_object_and_one_that_is_too_large_are_told_apart(s3: S3Server) -> None:
    store = ObjectStore(s3.address)
    s3.put("large", b"x" * 101)

    with pytest.raises(ObjectMissing):
        await store.get("absent", 100)
    with pytest.raises(ObjectTooLarge):
        await store.get("large", 100)


async def test_a_store_that_is_open_to_all_needs_no_keys() -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(head(4) + b"open")

    async with lying(give) as address:
        open_to_all = replace(address, access_key=None, secret_key=None)
        assert await ObjectStore(open_to_all, timeout_s=10).get("object", 1000) == b"open"


async def test_an_object_of_ten_gigabytes_is_not_read() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(10 << 30))
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with lying(endless) as address:
        with pytest.raises(ObjectTooLarge):
            await ObjectStore(address, timeout_s=10).get("object", 1 << 20)
    assert sent < 64 << 20


async def test_an_object_that_goes_on_beyond_its_length_ends_at_its_bound() -> None:
    async def chunked(writer: asyncio.StreamWriter) -> None:
        writer.write(head(100).replace(b"Content-Length: 100", b"Transfer-Encoding: chunked"))
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    async with lying(chunked) as address:
        with pytest.raises((ObjectTooLarge, StoreUnavailable)):
            await ObjectStore(address, timeout_s=10).get("object", 1 << 20)


async def test_a_torn_object_is_no_object() -> None:
    async def torn(writer: asyncio.StreamWriter) -> None:
        writer.write(head(1000) + b"only this")

    async with lying(torn) as address:
        with pytest.raises(StoreUnavailable):
            await ObjectStore(address, timeout_s=10).get("object", 1000)


async def test_a_store_that_hangs_is_given_up_on() -> None:
    over = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with lying(hang) as address:
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable):
                await ObjectStore(address, timeout_s=0.5).get("object", 1000)
        over.set()


async def test_wrong_keys_and_nobody_there_say_nothing_of_the_keys(
    s3: S3Server, unused_url: str
) -> None:
    for address in (
        replace(s3.address, secret_key="wrong-secret"),
        replace(s3.address, url=unused_url),
    ):
        with pytest.raises(StoreUnavailable) as refused:
            await ObjectStore(address, timeout_s=5).get("whole/object", 1000)
        assert "wrong-secret" not in str(refused.value)
        assert "wrong-secret" not in repr(address)
