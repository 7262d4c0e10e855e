"""A service that is away, slow, lying or broken: the caller learns which, in time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.gateway import Gateway, running
from dashboard_backend.tests.support.upstream import (
    Received,
    Script,
    ScriptedUpstream,
    answer,
    honest,
    read_body,
    scripted_upstream,
)
from dashboard_backend.tests.support.waiting import eventually

PREDICT = "/api/model_api/predict"
MODELS = "/api/model_api/models"


def sends(data: bytes, *, then_close: bool = True) -> Script:
    """A script that reads the request and writes `data`."""

    async def script(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        writer.write(data)
        await writer.drain()
        if then_close:
            writer.close()

    return script


async def silent(
    request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Never answer; end when the gateway hangs up."""
    await read_body(request, reader)
    await reader.read()
    writer.close()


def is_problem(came: httpx.Response, status: int, code: str) -> bool:
    assert came.status_code == status, came.text
    assert came.headers["content-type"] == "application/problem+json"
    body = came.json()
    assert body["code"] == code
    assert "model_api" in body["detail"]
    return True


@pytest.fixture
async def lonely(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway in front of an address where nothing listens."""
    async with scripted_upstream() as gone:
        url = gone.url
    async with running(replace(settings, model_api_url=url)) as gateway:
        yield gateway


async def test_call_is_made_again_once_when_no_connection_was_had(lonely: Gateway) -> None:
    for call in (
        lonely.client.get(MODELS, headers=lonely.bearer()),
        lonely.client.post(PREDICT, json={}, headers=lonely.bearer()),
    ):
        assert is_problem(await call, 502, "BAD_GATEWAY")
    metrics = lonely.service.render_metrics().decode()
    assert 'upstream_retries_total{upstream="model_api"} 2.0' in metrics


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nX-Bad: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Bad: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_answer_that_cannot_be_read_is_502(
    gateway: Gateway, upstream: ScriptedUpstream, data: bytes
) -> None:
    upstream.script = sends(data)
    came = await gateway.client.post(PREDICT, json={}, headers=gateway.bearer())
    assert is_problem(came, 502, "BAD_GATEWAY")
    assert "set-cookie" not in came.headers
    assert len(upstream.requests) == 1


async def test_answer_that_breaks_off_is_not_made_whole(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.script = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.client.get(MODELS, headers=gateway.bearer())


async def test_silent_service_is_504_within_the_callers_deadline_and_is_hung_up_on(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.script = silent
    headers = gateway.bearer() | {"X-Request-Deadline-Ms": "1000"}
    async with asyncio.timeout(60):
        came = await gateway.client.post(PREDICT, json={}, headers=headers)
        assert is_problem(came, 504, "DEADLINE_EXCEEDED")
        await asyncio.gather(*upstream.tasks)
    assert int(upstream.requests[0].fields["x-request-deadline-ms"]) <= 1000


@pytest.mark.parametrize("asked", ["0", "-5", "soon"])
async def test_deadline_that_is_no_number_is_refused(gateway: Gateway, asked: str) -> None:
    headers = gateway.bearer() | {"X-Request-Deadline-Ms": asked}
    came = await gateway.client.post(PREDICT, json={}, headers=headers)
    assert (came.status_code, came.json()["code"]) == (400, "MALFORMED_REQUEST")


async def test_failing_service_is_left_alone_and_taken_back(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.script = sends(b"")
    headers = gateway.bearer()
    for _ in range(5):
        assert is_problem(
            await gateway.client.post(PREDICT, json={}, headers=headers), 502, "BAD_GATEWAY"
        )
    before = len(upstream.requests)
    came = await gateway.client.post(PREDICT, json={}, headers=headers)
    assert is_problem(came, 503, "CIRCUIT_OPEN")
    wait = int(came.headers["retry-after"])
    assert 1 <= wait <= 5
    assert len(upstream.requests) == before
    health = await gateway.client.get("/health")
    assert health.json()["upstreams"]["model_api"] == "open"
    upstream.script = honest
    await asyncio.sleep(wait)
    assert (await gateway.client.post(PREDICT, json={}, headers=headers)).status_code == 200


async def test_errors_of_the_service_itself_do_not_open_the_circuit(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.script = sends(answer(b"{}", "503 Service Unavailable"), then_close=False)
    for _ in range(8):
        came = await gateway.client.post(PREDICT, json={}, headers=gateway.bearer())
        assert (came.status_code, came.content) == (503, b"{}")


async def test_more_than_the_bound_in_flight_are_shed(
    settings: Settings, upstream: ScriptedUpstream
) -> None:
    release = asyncio.Event()

    async def held_up(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await release.wait()
        await honest(request, reader, writer)

    upstream.script = held_up
    async with running(replace(settings, max_in_flight=2)) as gateway:
        headers = gateway.bearer()
        held = [
            asyncio.create_task(gateway.client.post(PREDICT, json={}, headers=headers))
            for _ in range(2)
        ]
        await eventually(lambda: len(upstream.requests) == 2)
        came = await gateway.client.post(PREDICT, json={}, headers=headers)
        assert is_problem(came, 503, "OVERLOADED")
        assert came.headers["retry-after"] == "1"
        release.set()
        assert {answer.status_code for answer in await asyncio.gather(*held)} == {200}


async def test_connection_closed_while_idle_costs_no_request(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.script = sends(answer(), then_close=True)
    for _ in range(5):
        came = await gateway.client.post(PREDICT, json={}, headers=gateway.bearer())
        assert came.status_code == 200
