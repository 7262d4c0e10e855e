"""Several replicas, and a database that goes away and comes back."""

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import pytest

from dashboard_backend import app
from dashboard_backend.adapters.key_directory import KeyDirectory
from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.database import Databases, TestDatabase
from dashboard_backend.tests.support.gateway import Gateway, running
from dashboard_backend.tests.support.postgres_server import PostgresServer
from dashboard_backend.tests.support.waiting import eventually

UNKNOWN = "bz_" + "1" * 32 + "_" + "0" * 64


async def status(gateway: Gateway, token: str) -> int:
    return (await gateway.client.get("/keys", headers=gateway.bearer(token))).status_code


async def test_revocation_reaches_the_other_replica_before_its_copy_grows_old(
    gateway: Gateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "KeyDirectory", partial(KeyDirectory, fresh_seconds=3600))
    async with running(replace(settings, admin_key_file=None)) as other:
        token = await gateway.make_key("keys:read")
        assert await status(other, token) == 200
        revoked = await gateway.client.post(
            f"/keys/{token.split('_')[1]}/revoke", headers=gateway.bearer()
        )
        assert revoked.is_success

        async def refused() -> bool:
            return await status(other, token) == 401

        await eventually(refused)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server to be stopped."""
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture
async def exposed(own_server: PostgresServer, settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway on the server that will be stopped."""
    databases = Databases(own_server)
    await databases.prepare()
    database = await databases.create()
    moved = replace(
        settings,
        database_url=database.url,
        database_password_file=database.password,
    )
    async with running(moved) as gateway:
        yield gateway


@pytest.mark.parametrize("how", ["stopped", "hanging"])
async def test_known_keys_work_while_the_database_is_away(
    exposed: Gateway, own_server: PostgresServer, how: str
) -> None:
    token = await exposed.make_key("keys:read", "predict")
    predict = "/api/model_api/predict"

    async def judged(caller: str) -> int:
        answer = await exposed.client.post(predict, json={}, headers=exposed.bearer(caller))
        return answer.status_code

    assert await judged(token) == 200
    own_server.stop(signal.SIGQUIT) if how == "stopped" else own_server.pause()
    assert await judged(token) == 200
    unknown = await exposed.client.post(predict, json={}, headers=exposed.bearer(UNKNOWN))
    assert (unknown.status_code, unknown.json()["code"]) == (503, "KEYS_UNAVAILABLE")
    assert unknown.headers["retry-after"] == "1"
    listed = await exposed.client.get("/keys", headers=exposed.bearer(token))
    assert (listed.status_code, listed.json()["code"]) == (503, "KEYS_UNAVAILABLE")
    own_server.start() if how == "stopped" else own_server.resume()

    async def back() -> bool:
        return await judged(token) == 200

    await eventually(back)
    listed = await exposed.client.get("/keys", headers=exposed.bearer(token))
    assert listed.is_success


async def test_uses_are_written_down(
    settings: Settings, databases: Databases, test_database: TestDatabase
) -> None:
    async with running(settings) as gateway:
        assert await status(gateway, gateway.admin) == 200
    connection = await databases.connect(test_database)
    try:
        used = await connection.fetchval("SELECT last_used_at > created_at FROM api_keys")
    finally:
        await connection.close()
    assert used


async def test_start_waits_for_the_database_and_then_goes_on(
    own_server: PostgresServer, settings: Settings
) -> None:
    databases = Databases(own_server)
    await databases.prepare()
    database = await databases.create()
    own_server.stop()
    moved = replace(settings, database_url=database.url, database_password_file=database.password)
    async with running(moved, wait=False) as gateway:
        assert (await gateway.client.get("/.well-known/jwks.json")).is_success
        assert (await gateway.client.get("/health")).json()["status"] == "starting"
        assert await status(gateway, UNKNOWN) == 503
        assert not gateway.service.health.startup()[0]
        own_server.start()
        await eventually(lambda: gateway.service.health.startup()[0])


async def test_schema_that_was_not_migrated_is_named(
    settings: Settings, databases: Databases
) -> None:
    empty = await databases.create("template1")
    moved = replace(settings, database_url=empty.url, database_password_file=empty.password)
    async with running(moved, wait=False) as gateway:
        await eventually(lambda: "run `migrate`" in str(gateway.service.health.startup()))
    await databases.drop(empty)
