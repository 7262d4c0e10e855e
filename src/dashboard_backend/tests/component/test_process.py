"""The service as a process: its command line, its log, its end."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import httpx
import pytest

from dashboard_backend.adapters.key_upkeep import SCHEMA_VERSION
from dashboard_backend.adapters.signing_key import load_signing_keys
from dashboard_backend.app import VERSION
from dashboard_backend.tests.support.database import Databases
from dashboard_backend.tests.support.process import PREFIX, Child, call
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream
from dashboard_backend.tests.support.waiting import eventually


async def test_requests_in_flight_end_well_at_sigterm(
    child: Child, upstream: ScriptedUpstream
) -> None:
    ops = child.ops
    async with httpx.AsyncClient(timeout=30) as client:
        await child.ready(client)
        for path in ("/health/live", "/health/startup"):
            assert (await client.get(ops + path)).json() == {"status": "ok"}
        assert (await client.get(f"{ops}/nothing")).status_code == 404

        release = asyncio.Event()
        honest = upstream.script

        async def slow(
            request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await release.wait()
            await honest(request, reader, writer)

        upstream.script = slow
        token = child.token()
        flying = asyncio.create_task(
            client.post(
                f"http://127.0.0.1:{child.port}/api/model_api/predict?private=query",
                json={"text": "a secret prompt"},
                headers={"Authorization": f"Bearer {token}"},
            )
        )
        await eventually(lambda: upstream.requests)
        child.process.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            report = (await client.get(f"{ops}/health/ready")).text
            return report == '{"status":"unavailable","reason":"draining"}'

        await eventually(draining)
        assert (await client.get(f"{ops}/health/live")).is_success
        metrics = (await client.get(f"{ops}/metrics")).text
        assert "bartizan_dashboard_backend_requests_in_flight 1.0" in metrics
        release.set()
        answer = await flying
        assert answer.json() == {"ok": True}
        # The process has another event loop than these tests: Redis must be had there, too.
        assert "ratelimit" in answer.headers
        assert "x-ratelimit-scope" not in answer.headers
    await eventually(lambda: child.process.poll() is not None)
    assert child.process.returncode == 0

    (line,) = [line for line in child.lines() if line["event"] == "request"]
    assert line["route"] == "/api/model_api/predict"
    assert (line["method"], line["status"], line["tenant"]) == ("POST", 200, "default")
    log = child.log.read_text()
    for secret in (token, token.rpartition("_")[2], "private=query", "secret prompt", "Bearer"):
        assert secret not in log


async def test_stream_without_an_end_does_not_hold_up_the_end(
    child: Child, upstream: ScriptedUpstream
) -> None:
    async def one_event(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n")
        await reader.read()

    upstream.script = one_event
    events = f"http://127.0.0.1:{child.port}/api/training/jobs/1/events"
    async with httpx.AsyncClient(timeout=30) as client:
        await child.ready(client)
        headers = {"Authorization": f"Bearer {child.token()}"}
        async with client.stream("GET", events, headers=headers) as came:
            pieces = came.aiter_raw()
            assert await anext(pieces) == b":\n\n"
            child.process.send_signal(signal.SIGTERM)
            # It breaks off: nobody is to believe that the job has told its last.
            with pytest.raises(httpx.RemoteProtocolError):
                async with asyncio.timeout(60):
                    await anext(pieces)
    await eventually(lambda: child.process.poll() is not None)
    assert child.process.returncode == 0
    (line,) = [line for line in child.lines() if line["event"] == "request"]
    assert line["problem"] == "shutting-down"


def test_version_help_and_openapi() -> None:
    assert VERSION in call("--version").stdout
    assert f"{PREFIX}ADMIN_KEY_FILE" in call("serve", "--help").stdout
    assert json.loads(call("openapi").stdout)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        (["serve"], {"PROT": "1"}, 1, "DASHBOARD_BACKEND_PROT"),
        (["serve"], {"PORT": "many"}, 1, "DASHBOARD_BACKEND_PORT"),
        (["serve"], {"STATE_DIR": "/proc/nowhere"}, 1, "signing key"),
        (["migrate"], {"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, 1, "cannot be migrated"),
        (["fly"], {}, 2, "No such command"),
    ],
)
def test_failure_is_one_clear_line(
    arguments: list[str], environment: dict[str, str], status: int, said: str
) -> None:
    done = call(*arguments, **environment)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert status == 2 or len(done.stderr.strip().splitlines()) == 1


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("serve", PORT=str(port), OPS_PORT="1", STATE_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr


async def test_migrate_brings_an_empty_database_up_and_again_is_harmless(
    databases: Databases, tmp_path: Path
) -> None:
    empty = await databases.create("template1")
    password = tmp_path / "owner"
    password.write_text(empty.owner_password)
    for _ in range(2):
        done = call(
            "migrate",
            MIGRATION_DATABASE_URL=empty.owner_url,
            MIGRATION_DATABASE_PASSWORD_FILE=str(password),
        )
        assert done.returncode == 0, done.stderr
    connection = await databases.connect(empty)
    try:
        version = await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
    await databases.drop(empty)
    assert version == SCHEMA_VERSION


def test_signing_key_is_rotated_and_the_former_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    (first,) = load_signing_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert call("rotate-signing-key", SIGNING_KEY_FILE=str(path)).returncode == 0
    second, former = load_signing_keys(path)
    assert former.kid == first.kid != second.kid
    assert call("rotate-signing-key", SIGNING_KEY_FILE=str(path)).returncode == 0
    assert first.kid not in {key.kid for key in load_signing_keys(path)}
    assert path.stat().st_mode & 0o777 == 0o600
