"""The first admin key: once, in a file for its owner alone, or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard_backend.adapters.first_key import FirstKeyError, ensure_first_key
from dashboard_backend.adapters.postgres import Database
from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.database import Databases, TestDatabase
from dashboard_backend.tests.support.gateway import Gateway, running
from dashboard_backend.tests.support.waiting import eventually


@contextlib.asynccontextmanager
async def pool(database: TestDatabase) -> AsyncIterator[Database]:
    opened = Database(database.url, database.password)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def test_file_is_for_its_owner_alone_and_opens_the_door(
    gateway: Gateway, settings: Settings
) -> None:
    assert settings.admin_key_file is not None
    assert settings.admin_key_file.stat().st_mode & 0o777 == 0o600
    answer = await gateway.client.get("/keys", headers=gateway.bearer())
    (key,) = answer.json()["items"]
    assert (key["tenant"], key["scopes"]) == ("default", ["admin"])


async def test_replicas_that_start_together_make_one_key(
    test_database: TestDatabase, tmp_path: Path
) -> None:
    async with pool(test_database) as first, pool(test_database) as second:
        made = await asyncio.gather(
            *(
                ensure_first_key(database, tmp_path / f"{number}" / "admin.key")
                for number, database in enumerate([first, second] * 4)
            )
        )
    assert sum(made) == 1
    assert sum([(tmp_path / str(number) / "admin.key").exists() for number in range(8)]) == 1


async def test_key_is_not_made_again_at_the_next_start(
    test_database: TestDatabase, tmp_path: Path
) -> None:
    async with pool(test_database) as database:
        file = tmp_path / "admin.key"
        assert await ensure_first_key(database, file)
        file.unlink()
        assert not await ensure_first_key(database, file)
        assert not file.exists()


@pytest.mark.parametrize("obstacle", ["no path", "a folder is a file", "holds something else"])
async def test_key_that_cannot_be_handed_over_is_not_made(
    test_database: TestDatabase, databases: Databases, tmp_path: Path, obstacle: str
) -> None:
    file: Path | None = tmp_path / "admin.key"
    assert file is not None
    if obstacle == "no path":
        file = None
    elif obstacle == "a folder is a file":
        (tmp_path / "file").write_text("")
        file = tmp_path / "file" / "admin.key"
    else:
        file.write_text("precious")
    async with pool(test_database) as database:
        with pytest.raises(FirstKeyError):
            await ensure_first_key(database, file)
    connection = await databases.connect(test_database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM api_keys") == 0
    finally:
        await connection.close()
    if obstacle == "holds something else":
        assert (tmp_path / "admin.key").read_text() == "precious"


async def test_file_left_by_a_crash_is_replaced(
    test_database: TestDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "admin.key"
    file.write_text("bz_" + "0" * 32 + "_" + "0" * 64 + "\n")
    async with pool(test_database) as database:
        assert await ensure_first_key(database, file)
    assert "0" * 32 not in file.read_text()


async def test_without_a_path_the_service_waits_and_says_why(settings: Settings) -> None:
    async with running(replace(settings, admin_key_file=None), wait=False) as gateway:
        health = gateway.service.health
        name = "DASHBOARD_BACKEND_ADMIN_KEY_FILE"
        await eventually(lambda: name in str(health.startup()))
        assert not gateway.service.health.ready()[0]
