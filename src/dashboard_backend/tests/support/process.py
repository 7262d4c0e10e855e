"""The service as a process of its own, as an operator starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.ports import free_port
from dashboard_backend.tests.support.waiting import eventually

PREFIX = "DASHBOARD_BACKEND_"


def command(*arguments: str) -> list[str]:
    """What runs the service's command line."""
    return [sys.executable, "-m", "dashboard_backend.main", *arguments]


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        command(*arguments),
        env=dict(os.environ) | {PREFIX + name: value for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Child:
    """A serving process, its ports and its log."""

    process: subprocess.Popen[bytes]
    port: int
    ops_port: int
    log: Path
    admin: Path

    @property
    def ops(self) -> str:
        """Where health and metrics are."""
        return f"http://127.0.0.1:{self.ops_port}"

    def token(self) -> str:
        """The first key's."""
        return self.admin.read_text().strip()

    def peak_bytes(self) -> int:
        """The most memory that the process has held so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    async def ready(self, client: httpx.AsyncClient) -> None:
        """Wait until it takes requests."""

        async def is_ready() -> bool:
            try:
                return (await client.get(f"{self.ops}/health/ready")).is_success
            except httpx.TransportError:
                return False

        await eventually(is_ready)

    def lines(self) -> list[dict[str, object]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def serving(settings: Settings, place: Path) -> Iterator[Child]:
    """Start it with these settings; `place` is for its log and its secrets."""
    ports = [free_port(), free_port()]
    for name in ("database", "redis"):
        (place / name).write_text(str(getattr(settings, f"{name}_password_file")))
    environment = {
        "PORT": str(ports[0]),
        "OPS_PORT": str(ports[1]),
        "DATABASE_URL": settings.database_url,
        "DATABASE_PASSWORD_FILE": str(place / "database"),
        "REDIS_URL": settings.redis_url,
        "REDIS_PASSWORD_FILE": str(place / "redis"),
        "STATE_DIR": str(settings.state_dir),
        "ADMIN_KEY_FILE": str(settings.admin_key_file),
        "MODEL_API_URL": settings.model_api_url,
        "TRAINING_URL": settings.training_url,
    }
    log, admin = place / "log", place / "admin.key"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command("serve"),
            env=dict(os.environ) | {PREFIX + name: value for name, value in environment.items()},
            stdout=file,
            stderr=file,
        )
    try:
        yield Child(process, ports[0], ports[1], log, admin)
    finally:
        process.kill()
        process.wait()
