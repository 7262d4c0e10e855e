"""Verifying histories beside other work: it takes turns, and one goes after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import groupby

import pytest

from training.adapters.bundles.platform_key import TrustedKeys
from training.adapters.lifecycle import history_check
from training.adapters.lifecycle.history_check import Verifier
from training.adapters.postgres import Database
from training.domain.lifecycle.chain import HistoryTooLong
from training.tests.support.models import register
from training.tests.support.signing_vectors import TRUSTED

TENANT, NAME = "acme", "detector"
KEYS = TrustedKeys.parse(TRUSTED.public_pem)


async def test_others_have_their_turn_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(database, TRUSTED, TENANT, NAME, *range(1, 13))
    monkeypatch.setattr(history_check, "BREATH", 4)
    turns, seen = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    class Keys(TrustedKeys):
        def has_signed(self, name: str, message: bytes, signature: bytes) -> bool:
            seen.append(turns)
            return super().has_signed(name, message, signature)

    busy = asyncio.create_task(others())
    verification = await history_check.verify(database, Keys(KEYS), TENANT)
    busy.cancel()
    with suppress(asyncio.CancelledError):
        await busy
    assert verification.is_sound
    assert [len(list(events)) for _, events in groupby(seen)] == [4, 4, 4]


async def test_one_goes_after_the_other(database: Database) -> None:
    await register(database, TRUSTED, TENANT, NAME, 1)
    at_once, most = 0, 0

    @asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        yield database
        at_once -= 1

    verifier = Verifier(opened, lambda: KEYS, within_s=60)
    found = await asyncio.gather(*(verifier.verify(TENANT) for _ in range(3)))
    assert [each.is_sound for each in found] == [True, True, True]
    assert most == 1


async def test_a_history_that_takes_too_long_is_told_apart_from_a_database_that_does(
    database: Database,
) -> None:
    await register(database, TRUSTED, TENANT, NAME, 1)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        yield database

    with pytest.raises(HistoryTooLong, match="training registry verify"):
        await Verifier(opened, lambda: KEYS, within_s=0).verify(TENANT)
    # Nothing is in the way of the next.
    assert (await Verifier(opened, lambda: KEYS, within_s=60).verify(TENANT)).is_sound
