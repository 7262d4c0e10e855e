"""The tool as a user has it, on a state folder and ports of its own."""

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bartizan.home import Home
from bartizan.ports import LOOPBACK, Ports

PROGRAM = Path(__file__).with_name("programs.py")
PATIENCE_S = 300
"""With whatever is to happen, however busy the machine is."""


@dataclass
class Platform:
    """The tool as a user has it: a command, an environment, and what it says."""

    environment: dict[str, str]
    home: Home
    ports: Ports
    dist: Path

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bartizan", *arguments],
            env={**self.environment, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def run(
        self, *arguments: str, given: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(given, timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def up(self) -> None:
        result = self.run("up")
        assert result.returncode == 0, result.stderr

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.run("status", "--json").stdout))

    def unit(self, name: str) -> dict[str, Any]:
        return next(dict(unit) for unit in self.status()["units"] if unit["name"] == name)

    def supervisor(self) -> int:
        return int((self.home.run / "supervisor.lock").read_text())

    def listening(self) -> list[int]:
        """The platform's ports on which anything answers."""
        return [port for port in self.ports.named() if answers(port)]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Reads a process's output up to a line that holds `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the output ended without {text!r}")


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Awaits a condition; its not coming true is the failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextlib.contextmanager
def free_ports() -> Iterator[Ports]:
    """Ports for one platform, which no other test is given meanwhile, whether it is up or not."""
    with contextlib.ExitStack() as holders:
        while True:
            # Below the ports that the kernel gives to outgoing connections.
            ports = Ports(secrets.choice(range(1_000, 14_000)))
            with contextlib.suppress(OSError):
                for port in ports.named():
                    _hold(holders.enter_context(socket.socket()), port)
                break
            holders.close()
        yield ports


def _hold(holder: socket.socket, port: int) -> None:
    holder.bind((LOOPBACK, port))
    # From now on whoever says so, too, may have the port besides, as long as this does not listen.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
