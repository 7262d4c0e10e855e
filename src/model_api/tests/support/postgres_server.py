"""A real PostgreSQL for tests, on a free port, with passwords, gone when the tests are."""

import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from model_api.tests.support import unprivileged
from model_api.tests.support.ports import free_port

SUPERUSER = "postgres"
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class PostgresServer:
    """``durable`` syncs as in production, for tests that kill it. Context manager."""

    def __init__(self, *, durable: bool = False) -> None:
        self.password = secrets.token_urlsafe(16)
        self.port = free_port()
        self._durable = durable
        self._place = unprivileged.make_place()
        self._data = self._place / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._programs = unprivileged.programs(self._place)
        self._initialise()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._place)

    def url(self, user: str, database: str) -> str:
        """The address, without a password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and return when connections are accepted."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 60,
            "shared_buffers": "32MB",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
        }
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with (self._place / "log").open("ab") as log:
            self._process = self._run(["postgres", "-D", str(self._data), *arguments], log.fileno())
        deadline = time.monotonic() + 60
        while self._call("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)) != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._place / "log").read_text())
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT ends sessions and writes a checkpoint, SIGQUIT is as good as a crash."""
        if self._process is not None:
            self.resume()
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None

    def pause(self) -> None:
        """Hang: connections stay, and are accepted, and nothing answers."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Hang no more."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        if self._process is None:
            return []
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _initialise(self) -> None:
        account = unprivileged.account()
        self._data.mkdir(mode=0o700)
        secret = self._place / "secret"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if account is not None:
            for path in (self._data, secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        status = self._call(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={SUPERUSER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        )
        secret.unlink()
        if status != 0:
            raise RuntimeError((self._place / "log").read_text())

    def _call(self, *command: str) -> int:
        with (self._place / "log").open("ab") as log:
            return self._run(list(command), log.fileno()).wait()

    def _run(self, command: list[str], log: int) -> subprocess.Popen[bytes]:
        account = unprivileged.account()
        return subprocess.Popen(
            [str(self._programs / command[0]), *command[1:]],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGQUIT)
