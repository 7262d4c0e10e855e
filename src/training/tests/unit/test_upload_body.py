"""The body of an upload: who is too slow, who goes away, and how many may come at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from litestar import Request

from training.api.bodies import ClientGone
from training.api.datasets.upload_body import UploadBodies
from training.api.problems import ProblemError

END = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


def chunk(content: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": True}


def request(messages: AsyncIterator[dict[str, Any]], length: str = "") -> Request[Any, Any, Any]:
    headers = [(b"content-length", length.encode())] if length else []
    scope: Any = {"type": "http", "headers": headers, "method": "PATCH", "path": "/"}
    return Request(scope, receive=messages.__anext__)  # type: ignore[arg-type] # messages as dicts


async def at_once(*messages: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for message in messages:
        yield message


async def read(bodies: UploadBodies, asked: Request[Any, Any, Any]) -> bytes:
    async with aclosing(bodies.chunks(asked)) as body:
        return b"".join([each async for each in body])


async def test_a_body_is_read_to_its_end() -> None:
    messages = at_once(chunk(b"one "), chunk(b""), chunk(b"two"), END)
    assert await read(UploadBodies(5), request(messages, "7")) == b"one two"


async def test_a_caller_who_drips_is_too_slow() -> None:
    async def drips() -> AsyncIterator[dict[str, Any]]:
        while True:
            await asyncio.sleep(0.02)
            yield chunk(b"x")

    with pytest.raises(ProblemError) as refusal:
        await read(UploadBodies(0.2), request(drips()))
    assert refusal.value.kind.slug == "body-too-slow"


async def test_the_time_that_the_store_takes_is_not_the_callers() -> None:
    bodies = UploadBodies(0.2)
    async with aclosing(bodies.chunks(request(at_once(chunk(b"a"), chunk(b"b"), END)))) as body:
        async for _ in body:
            await asyncio.sleep(0.3)


async def test_a_caller_who_goes_away_is_told_apart_from_an_end() -> None:
    with pytest.raises(ClientGone):
        await read(UploadBodies(5), request(at_once(chunk(b"a"), GONE)))


async def test_a_length_that_is_not_kept_is_refused() -> None:
    with pytest.raises(ProblemError) as refusal:
        await read(UploadBodies(5), request(at_once(chunk(b"a"), END), "2"))
    assert refusal.value.kind.slug == "malformed-request"


async def test_only_so_many_are_read_at_a_time() -> None:
    bodies = UploadBodies(5, places=1)
    async with aclosing(bodies.chunks(request(at_once(chunk(b"a"), END)))) as first:
        await anext(first)
        with pytest.raises(ProblemError) as refusal:
            await read(bodies, request(at_once(END)))
        assert refusal.value.kind.status == 503
    # The place of one that was given up is free again.
    assert await read(bodies, request(at_once(chunk(b"b"), END))) == b"b"
