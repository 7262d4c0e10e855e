"""`bartizan up`, `status` and `down`."""

import socket
import time

import httpx
import psutil

from e2e.gateway import PREDICT
from e2e.ports import FIRST, is_free
from e2e.running_platform import LOOPBACK, Platform
from e2e.waiting import until

# Well below what unpacking the programs takes, and well above what a busy machine makes of a start.
WARM_START_SECONDS = 60


def test_a_second_up_changes_nothing(platform: Platform) -> None:
    before = platform.status()
    result = platform.up()
    assert "up already" in result.stdout
    assert [unit.pid for unit in platform.status().units] == [unit.pid for unit in before.units]


def test_up_tells_the_addresses_and_a_request_but_not_the_key(platform: Platform) -> None:
    shown = platform.up().stdout
    assert platform.gateway in shown
    assert "curl" in shown
    assert "admin.key" in shown
    assert platform.admin_key not in shown


async def test_down_stops_all_and_the_next_up_finds_what_was_there(
    platform: Platform, api: httpx.AsyncClient
) -> None:
    answer = await api.post(PREDICT, json={"text": "hello"})
    prediction = f"/api/model_api/predictions/{answer.json()['predictions'][0]['id']}"
    pids = [unit.pid for unit in platform.status().units if unit.pid is not None]
    assert len(pids) >= 5
    try:
        platform.down()
        assert not any(map(psutil.pid_exists, pids))
        assert all(is_free(platform.port(first)) for first in FIRST)
        assert platform.tool("status").returncode == 3
        assert platform.status().up is False
        assert platform.tool("down").returncode == 0, "a second down is harmless"
        assert platform.tool("scan", "hello").returncode == 0, "it judges without the platform"
    finally:
        started = time.monotonic()
        platform.up()
        took = time.monotonic() - started

    async def readable() -> bool:
        return (await api.get(prediction)).status_code == 200

    await until(readable, "the prediction can be read again, with the same key")
    assert took < WARM_START_SECONDS


async def test_restart_of_one_service(platform: Platform, api: httpx.AsyncClient) -> None:
    before = platform.status()
    result = platform.tool("restart", "model_api")
    assert result.returncode == 0, result.stderr
    after = platform.status()
    changed = [
        old.name for old, new in zip(before.units, after.units, strict=True) if old.pid != new.pid
    ]
    assert changed == ["model_api"]
    assert (await api.post(PREDICT, json={"text": "hello"})).status_code == 200


def test_a_port_in_use_is_named_with_what_to_do(idle_platform: Platform) -> None:
    port = idle_platform.port(8007)
    with socket.create_server((LOOPBACK, port)):
        result = idle_platform.tool("up")
    assert result.returncode == 1
    assert f"port {port}" in result.stderr
    assert "dashboard_backend" in result.stderr
    assert "BARTIZAN_PORT_OFFSET" in result.stderr
    assert "Traceback" not in result.stderr
    assert idle_platform.status().up is False
    assert all(is_free(idle_platform.port(first)) for first in FIRST)
