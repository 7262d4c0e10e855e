"""`serve` as a process: alone, drained, reloaded, and refused where it must not start."""

import asyncio
import shutil
import signal
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from model_api.domain.judging.policy import DEFAULT_POLICY
from model_api.settings import SHIPPED_BUNDLE
from model_api.tests.support.api import ATTACK, BENIGN, leave_policies
from model_api.tests.support.database import Databases
from model_api.tests.support.served import bare_environment, client, run, serving


async def test_it_runs_alone_and_says_what_it_does_without(tmp_path: Path) -> None:
    async with serving(bare_environment(str(tmp_path))) as served:
        api_url, ops_url = await served.urls()
        async with client(api_url) as api, client(ops_url) as ops:
            answered = (await api.post("/predict", json={"text": ATTACK})).json()
            assert answered["predictions"][0]["decision"] == "block"
            assert answered["recorded"] is True
            ops_port = ops_url.rpartition(":")[2]
            asking = bare_environment(str(tmp_path), MODEL_API_OPS_PORT=ops_port)
            status, out, _ = await run("health", environment=asking)
            assert (status, out) == (0, b'{"status":"ready"}\n')
            for probe in ("live", "startup", "ready"):
                assert (await ops.get(f"/health/{probe}")).status_code == 200
            metrics = (await ops.get("/metrics")).text
            assert 'bartizan_model_api_predictions_total{decision="block"} 1.0' in metrics
            assert 'route="/predict",status="200"' in metrics
        said = " ".join(line["message"] for line in served.log)
        for variable in ("MODEL_API_DATABASE_URL", "MODEL_API_JWKS_URL"):
            assert variable in said
        assert "spool" in said

        served.signal(signal.SIGTERM)
        assert await served.ended() == 0

    state = tmp_path / ".local/state/bartizan/model_api"
    assert list((state / "spool").glob("*.segment"))
    for key in ("fingerprint.key", "text.key"):
        assert stat.S_IMODE((state / key).stat().st_mode) == 0o600
    assert ATTACK not in str(served.log)


async def test_a_requests_line_says_all_but_the_text(tmp_path: Path) -> None:
    headers = {
        "X-Request-Id": "my-request-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    async with serving(bare_environment(str(tmp_path))) as served:
        api_url, _ = await served.urls()
        async with client(api_url) as api:
            answer = await api.post("/predict", json={"text": BENIGN}, headers=headers)
            assert answer.headers["x-request-id"] == "my-request-1"
        line = await served.logged("request")

    assert line["request_id"] == "my-request-1"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/predict", 200)
    assert (line["tenant"], line["inputs"]) == ("default", 1)
    assert line["duration_ms"] > 0


async def test_what_is_in_flight_is_answered_before_it_stops(tmp_path: Path) -> None:
    sending, going_on = asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        sending.set()
        await going_on.wait()
        yield b'a"}'

    async with serving(bare_environment(str(tmp_path))) as served:
        api_url, ops_url = await served.urls()
        async with client(api_url) as api, client(ops_url) as ops:
            headers = {"Content-Type": "application/json"}
            request = asyncio.create_task(
                api.post("/predict", content=slow_body(), headers=headers)
            )
            await sending.wait()

            served.signal(signal.SIGTERM)
            await served.logged("draining")
            ready = await ops.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "draining")
            assert (await ops.get("/health/live")).status_code == 200
            going_on.set()

            assert (await request).status_code == 200
        assert await served.ended() == 0


async def test_a_request_that_does_not_end_is_given_up_on(tmp_path: Path) -> None:
    async def endless_body() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        await asyncio.Event().wait()

    environment = bare_environment(str(tmp_path), MODEL_API_DRAIN_SECONDS="1")
    async with serving(environment) as served:
        api_url, _ = await served.urls()
        async with client(api_url) as api:
            request = asyncio.create_task(api.post("/predict", content=endless_body()))
            async with client(api_url) as other:
                await other.get("/health")
            served.signal(signal.SIGTERM)
            assert await served.ended() == 0
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)


async def test_health_is_answered_while_a_large_text_is_judged(tmp_path: Path) -> None:
    leave_policies(tmp_path, replace(DEFAULT_POLICY, name="patient", deadline_ms=60_000))
    body = {"text": (BENIGN + " \u200b") * 16_000, "policy": "patient"}
    environment = bare_environment(str(tmp_path), MODEL_API_STATE_DIR=str(tmp_path))
    async with serving(environment) as served:
        api_url, _ = await served.urls()
        async with client(api_url) as api:
            judging = asyncio.create_task(api.post("/predict", json=body))
            answered = 0
            while not judging.done():
                assert (await api.get("/health")).status_code == 200
                answered += 1
            assert (await judging).status_code == 200

    assert answered > 3


async def test_sighup_reloads_the_model_or_keeps_it(tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "bundle"))
    environment = bare_environment(str(tmp_path), MODEL_API_BUNDLE=str(bundle))
    async with serving(environment) as served:
        api_url, _ = await served.urls()
        served.signal(signal.SIGHUP)
        await served.logged("model loaded", times=2)

        (bundle / "weights.npy").unlink()
        served.signal(signal.SIGHUP)
        refused = await served.logged("model bundle refused")

        assert "weights.npy" in refused["reason"]
        async with client(api_url) as api:
            answered = (await api.post("/predict", json={"text": ATTACK})).json()
            assert answered["predictions"][0]["decision"] == "block"


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        environment = bare_environment(
            str(tmp_path), MODEL_API_PORT=str(port), MODEL_API_OPS_PORT="0"
        )
        await _assert_refused(environment, str(port), "in use")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"MODEL_API_HOST": "192.0.2.1"}, ["MODEL_API_JWKS_URL", "MODEL_API_ALLOW_ANONYMOUS"]),
        ({"MODEL_API_BUNDEL": "x"}, ["MODEL_API_BUNDEL"]),
        ({"MODEL_API_BUNDLE": "/nonexistent"}, ["manifest.json"]),
        ({"MODEL_API_TEXT_KEY_FILE": "/nonexistent"}, ["/nonexistent"]),
    ],
)
async def test_what_cannot_work_is_refused_in_one_line(
    tmp_path: Path, variables: dict[str, str], words: list[str]
) -> None:
    await _assert_refused(bare_environment(str(tmp_path), **variables), *words)


async def test_a_second_process_needs_a_state_directory_of_its_own(tmp_path: Path) -> None:
    environment = bare_environment(str(tmp_path))
    async with serving(environment) as served:
        await served.urls()
        await _assert_refused(environment, "another process")


async def test_a_database_that_was_not_migrated_is_refused(
    databases: Databases, tmp_path: Path
) -> None:
    database = await databases.create("template1")
    password_file = tmp_path / "password"
    password_file.write_text(database.owner_password)
    environment = bare_environment(
        str(tmp_path),
        MODEL_API_DATABASE_URL=database.owner_url,
        MODEL_API_DATABASE_PASSWORD_FILE=str(password_file),
        MODEL_API_MIGRATION_DATABASE_URL=database.owner_url,
        MODEL_API_MIGRATION_DATABASE_PASSWORD_FILE=str(password_file),
    )
    await _assert_refused(environment, "migrate")

    status, _, error = await run("migrate", environment=environment)
    assert (status, error) == (0, "")
    async with serving(environment) as served:
        await served.urls()


async def _assert_refused(environment: dict[str, str], *words: str) -> None:
    status, _, error = await run("serve", environment=environment)
    assert status == 1, error
    assert error.count("\n") == 1, error
    for word in words:
        assert word in error


async def test_a_start_that_is_stopped_ends_cleanly(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    issuer = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with issuer:
        url = f"http://127.0.0.1:{issuer.sockets[0].getsockname()[1]}/"
        async with serving(bare_environment(str(tmp_path), MODEL_API_JWKS_URL=url)) as served:
            await asked.wait()
            served.signal(signal.SIGTERM)

            assert await served.ended() == 0

    said = [line["message"] for line in served.log]
    assert "judging prompts" not in said
    assert said[-2:] == ["stopped while starting", "stopped"]
    assert not any(line["level"] in ("warning", "error") for line in served.log)
