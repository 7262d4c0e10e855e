"""Tasks beside the API: begun anew where they fail, stopped with the service."""

import asyncio
import logging

import pytest

from training.utils.supervision import supervised


async def test_a_task_that_fails_is_begun_anew() -> None:
    begun, failures = 0, list[str]()
    sound = asyncio.Event()

    async def shaky(stop: asyncio.Event) -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise LookupError
        sound.set()
        await stop.wait()

    async with (
        asyncio.timeout(60),
        supervised({"shaky": shaky}, failures.append, first_wait_s=0.01),
    ):
        await sound.wait()

    assert begun == 3
    assert failures == ["shaky", "shaky"]


async def test_one_that_fails_does_not_touch_the_others() -> None:
    stopped = []

    async def broken(_: asyncio.Event) -> None:
        raise LookupError

    async def sound(stop: asyncio.Event) -> None:
        await stop.wait()
        stopped.append("sound")

    tasks = {"broken": broken, "sound": sound}
    async with asyncio.timeout(60), supervised(tasks, lambda _: None, first_wait_s=30):
        await asyncio.sleep(0)

    assert stopped == ["sound"]


async def test_one_that_does_not_stop_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def stubborn(_: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with caplog.at_level(logging.WARNING):
        async with (
            asyncio.timeout(60),
            supervised({"stubborn": stubborn}, lambda _: None, stop_s=0.01),
        ):
            await asyncio.sleep(0)

    assert cancelled.is_set()
    assert "did not stop in time" in caplog.text
