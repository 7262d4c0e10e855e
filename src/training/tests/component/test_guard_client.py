"""Calls of the guard: bounded in time, repeated where that helps, and left out while it is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from training.adapters.circuit import Circuit
from training.adapters.rollout.guard_client import GuardAway, GuardClient, GuardRefused

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Answers as it is told to, and counts."""

    def __init__(self) -> None:
        self.calls: list[web.Request] = []
        self.answers: list[Answer] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


async def well(_: web.Request) -> web.Response:
    return web.json_response({"desired": None, "replicas": []})


async def unavailable(_: web.Request) -> web.Response:
    return web.json_response({"code": "STORAGE_UNAVAILABLE"}, status=503)


async def forbidden(_: web.Request) -> web.Response:
    return web.json_response({"code": "FORBIDDEN", "detail": "The scope is missing."}, status=403)


async def nonsense(_: web.Request) -> web.Response:
    return web.Response(text="<html>")


async def redirecting(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"})


async def never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    guard = Guard()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", guard.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    guard.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield guard
    await runner.cleanup()


@asynccontextmanager
async def client(guard: Guard, deadline_s: float = 5.0) -> AsyncIterator[GuardClient]:
    circuit = Circuit(60.0, longest_s=60.0)
    async with GuardClient(
        guard.url, lambda: "a-token", deadline_s=deadline_s, circuit=circuit
    ) as calling:
        yield calling


async def test_a_call_says_who_asks_and_how_long_it_waits(guard: Guard) -> None:
    guard.answers = [well]
    async with client(guard, deadline_s=3.0) as calling:
        await calling.state("a model/with a slash")
    (call,) = guard.calls
    assert call.raw_path == "/models/a%20model%2Fwith%20a%20slash/deployment"
    assert call.headers["Authorization"] == "Bearer a-token"
    assert 0 < int(call.headers["X-Request-Deadline-Ms"]) <= 3000


async def test_what_may_pass_is_tried_again(guard: Guard) -> None:
    guard.answers = [unavailable, unavailable, well]
    async with client(guard) as calling:
        assert (await calling.state("detector")).wish is None
        assert calling.is_available
    assert len(guard.calls) == 3


async def test_while_it_is_away_nobody_waits_for_it(guard: Guard) -> None:
    guard.answers = [unavailable]
    async with client(guard) as calling:
        with pytest.raises(GuardAway, match="503 STORAGE_UNAVAILABLE"):
            await calling.state("detector")
        assert not calling.is_available
        seen = len(guard.calls)
        assert seen == 3
        with pytest.raises(GuardAway, match="a moment ago"):
            await calling.state("detector")
        assert len(guard.calls) == seen


async def test_a_guard_that_hangs_costs_the_deadline_and_no_more(guard: Guard) -> None:
    guard.answers = [never]
    async with asyncio.timeout(60), client(guard, deadline_s=1.0) as calling:
        with pytest.raises(GuardAway, match="does not answer"):
            await calling.counts("detector", datetime.now(UTC))


async def test_what_it_refuses_is_not_tried_again(guard: Guard) -> None:
    guard.answers = [forbidden]
    async with client(guard) as calling:
        with pytest.raises(GuardRefused, match="403 FORBIDDEN: The scope is missing"):
            await calling.state("detector")
        assert calling.is_available
    assert len(guard.calls) == 1


@pytest.mark.parametrize("answer", [nonsense, redirecting], ids=["nonsense", "redirecting"])
async def test_what_is_no_answer_is_not_believed(guard: Guard, answer: Answer) -> None:
    guard.answers = [answer]
    async with client(guard) as calling:
        with pytest.raises((GuardAway, GuardRefused)):
            await calling.state("detector")
