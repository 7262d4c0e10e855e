"""What is measured, running: a bare route, the guard alone, and the whole platform."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from e2e.gateway import PREDICT
from e2e.keys import create_key
from e2e.running_platform import LOOPBACK, Platform
from load import bare
from load.measuring import Target
from load.messages import with_head

BARE = "bare Litestar route"
ALONE = "model_api alone"
THROUGH_GATEWAY = "through the gateway"
_READY_WITHIN = 60.0


@contextmanager
def bare_route(bodies: Sequence[bytes]) -> Iterator[Target]:
    """The floor: see `load.bare`."""
    port = _free_port()
    command = [sys.executable, "-m", bare.__name__, str(port)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with _process(command, environment, f"http://{LOOPBACK}:{port}/predict") as pid:
        yield Target(
            name=BARE,
            host=LOOPBACK,
            port=port,
            requests=[with_head(body, "/predict") for body in bodies],
            processes={"bare": pid},
            services=["bare"],
        )


@contextmanager
def guard_alone(platform: Platform, bodies: Sequence[bytes]) -> Iterator[Target]:
    """A guard of its own, which asks for no identity and records in the platform's PostgreSQL."""
    port, ops_port = _free_port(), _free_port()
    state = platform.home.parent / "alone"
    state.mkdir()
    database = f"postgresql://model_api@{LOOPBACK}:{platform.port(5432)}/model_api"
    environment = {
        **platform.programs.environment,
        "MODEL_API_PORT": str(port),
        "MODEL_API_OPS_PORT": str(ops_port),
        "MODEL_API_STATE_DIR": str(state),
        "MODEL_API_DATABASE_URL": database,
        "MODEL_API_DATABASE_PASSWORD_FILE": str(
            platform.home / "secrets" / "postgres-model_api.password"
        ),
    }
    command = platform.programs.command("model_api", "serve")
    log = platform.home.parent / "alone.log"
    with _process(command, environment, f"http://{LOOPBACK}:{ops_port}/health/ready", log) as pid:
        yield Target(
            name=ALONE,
            host=LOOPBACK,
            port=port,
            requests=[with_head(body, "/predict") for body in bodies],
            processes={"model_api": pid, **_beside(platform)},
            services=["model_api"],
        )


async def through_gateway(platform: Platform, bodies: Sequence[bytes]) -> Target:
    """The platform as its clients see it, with a key that no rate limit stops."""
    made = await create_key(platform, ["predict"])
    return Target(
        name=THROUGH_GATEWAY,
        host=LOOPBACK,
        port=platform.port(8007),
        requests=[with_head(body, PREDICT, made.token) for body in bodies],
        processes={
            "gateway": platform.pid("dashboard_backend"),
            "model_api": platform.pid("model_api"),
            **_beside(platform),
        },
        services=["gateway", "model_api"],
    )


def _beside(platform: Platform) -> dict[str, int]:
    units = {"relay": "model_api-relay", "postgres": "postgres", "redis": "redis"}
    return {name: platform.pid(unit) for name, unit in units.items()}


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], probe: str, log: Path | None = None
) -> Iterator[int]:
    """A process that has answered `probe` with anything but an error of its own; yields its pid."""
    with (log or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _await(process, probe)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _await(process: "subprocess.Popen[bytes]", probe: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        try:
            if httpx.get(probe, trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{probe} did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
