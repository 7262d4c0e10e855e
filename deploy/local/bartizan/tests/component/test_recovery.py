import os
import socket
from collections.abc import Callable

import psutil

from bartizan.ports import LOOPBACK
from bartizan.supervision.identity import identity
from bartizan.tests.platforms import Platform, until

Kill = Callable[[int], None]


def test_a_crashed_service_is_restarted_and_shown(platform: Platform, kill: Kill) -> None:
    platform.up()
    kill(platform.unit("model_api")["pid"])
    until(lambda: platform.unit("model_api")["restarts"] == 1)
    until(lambda: platform.status()["healthy"])
    unit = platform.unit("model_api")
    assert unit["last_exit"]["signal"] == "SIGKILL"
    assert platform.unit("dashboard_backend")["restarts"] == 0


def test_a_service_that_cannot_start_waits_longer_each_time(platform: Platform) -> None:
    platform.up()
    (platform.dist / "model_api.pex").write_text("raise SystemExit(7)")
    os.kill(platform.unit("model_api")["pid"], 9)
    delays: list[float] = []

    def has_waited_thrice() -> bool:
        unit = platform.unit("model_api")
        if unit["state"] == "backoff" and unit["last_exit"]["status"] == 7:
            delays.append(float(unit["detail"].rpartition("next try in ")[2].removesuffix(" s")))
        return len(set(delays)) >= 3

    # Whoever looks seldom misses some, but never sees a shorter one after a longer one.
    until(has_waited_thrice)
    assert delays == sorted(delays)
    assert platform.run("status").returncode == 3


def test_what_crashed_often_can_still_be_restarted(platform: Platform, kill: Kill) -> None:
    platform.up()
    for _ in range(3):
        _crash(platform, kill)
    result = platform.run("restart", "model_api")
    assert result.returncode == 0, result.stderr


def _crash(platform: Platform, kill: Kill) -> None:
    """Returns once the service is back."""
    before = platform.unit("model_api")
    kill(before["pid"])
    until(lambda: platform.unit("model_api")["restarts"] > before["restarts"])
    until(lambda: platform.status()["healthy"])


def test_postgres_and_redis_come_back_with_their_data(platform: Platform, kill: Kill) -> None:
    platform.up()
    for name in ("postgres", "redis"):
        kill(platform.unit(name)["pid"])
    until(lambda: all(platform.unit(name)["restarts"] for name in ("postgres", "redis")))
    until(lambda: platform.status()["healthy"])


def test_services_outlive_a_killed_supervisor_and_up_recovers(
    platform: Platform, kill: Kill
) -> None:
    platform.up()
    before = {unit["name"]: unit["pid"] for unit in platform.status()["units"] if unit["pid"]}
    kill(platform.supervisor())
    until(lambda: not platform.status()["up"])
    status = platform.status()
    assert {unit["name"]: unit["pid"] for unit in status["orphans"]} == before
    assert len(platform.listening()) == len(platform.ports.named())

    result = platform.run("up")
    assert result.returncode == 0, result.stderr
    assert "postgres was left behind" in result.stdout
    after = {unit["name"]: unit["pid"] for unit in platform.status()["units"] if unit["pid"]}
    assert set(before.values()).isdisjoint(after.values())
    assert [identity(pid) for pid in before.values()] == [None] * len(before)


def test_down_ends_what_a_killed_supervisor_left(platform: Platform, kill: Kill) -> None:
    platform.up()
    kill(platform.supervisor())
    assert "is down" in platform.run("down").stdout
    assert platform.listening() == []


def test_down_ends_a_supervisor_that_does_not_answer(platform: Platform) -> None:
    platform.up()
    psutil.Process(platform.supervisor()).suspend()
    assert "is down" in platform.run("down").stdout
    assert platform.listening() == []


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(platform: Platform) -> None:
    with socket.create_server((LOOPBACK, platform.ports.dashboard_backend)):
        result = platform.run("up")
    assert result.returncode == 1
    assert f"port {platform.ports.dashboard_backend}" in result.stderr
    assert f"pid {os.getpid()}" in result.stderr
    assert "BARTIZAN_PORT_OFFSET" in result.stderr
    assert platform.listening() == []


def test_restart_replaces_one_process(platform: Platform) -> None:
    platform.up()
    before = {unit["name"]: unit["pid"] for unit in platform.status()["units"]}
    assert platform.run("restart", "model_api").returncode == 0
    after = {unit["name"]: unit["pid"] for unit in platform.status()["units"]}
    assert {name for name in before if before[name] != after[name]} == {"model_api"}
    assert platform.unit("model_api")["restarts"] == 0
    unknown = platform.run("restart", "nobody")
    assert unknown.returncode == 1
    assert "no service 'nobody'" in unknown.stderr
