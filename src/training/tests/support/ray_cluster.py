"""A Ray cluster on this machine: `RayCluster(workers)`."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Self

from training.tests.support.ports import free_port

_START_S = 120
_OBJECT_STORE_BYTES = 100 << 20


class RayCluster:
    """Only the loopback is listened on, nothing is reported, and no process is left over."""

    def __init__(self, workers: int) -> None:
        # Its sockets' paths must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self._port = free_port()
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where drivers connect."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        arguments = (
            *("start", "--head", "--block", "--disable-usage-stats"),
            *("--include-dashboard=false", "--node-ip-address=127.0.0.1"),
            *(f"--port={self._port}", f"--num-cpus={self._workers}"),
            *(f"--temp-dir={self._folder}", f"--object-store-memory={_OBJECT_STORE_BYTES}"),
        )
        self._process = subprocess.Popen(
            [str(Path(sysconfig.get_path("scripts"), "ray")), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "RAY_USAGE_STATS_ENABLED": "0",
                # The cluster knows nothing of this program but what a job brings along.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert self._process.poll() is None, "Ray did not start"
            assert time.monotonic() < deadline, f"Ray did not answer within {_START_S} s"
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def processes(self) -> list[int]:
        """The ids of all processes that know the cluster's folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if str(self._folder).encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
        return found

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True
