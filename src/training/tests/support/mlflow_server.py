"""A real MLflow server, on SQLite and a folder, which can be killed and started again."""

import os
import secrets
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from training.adapters.mlflow.address import MlflowAddress
from training.tests.support import child
from training.tests.support.ports import free_port
from training.tests.support.postgres_server import die_with_parent

_START_S = 120
_USER = "training"


class MlflowServer:
    """Serves on the same port and the same data whenever it is started."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mlflow-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.address = MlflowAddress(
            f"http://127.0.0.1:{self._port}", _USER, secrets.token_urlsafe(16)
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.begin()
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert self._process is not None
            assert self._process.poll() is None, "MLflow did not start"
            assert time.monotonic() < deadline, f"MLflow did not answer within {_START_S} s"
            time.sleep(0.1)

    def begin(self) -> None:
        """Start, without waiting."""
        self._process = subprocess.Popen(
            child.python("-m", "training.tests.support.mlflow_process", str(self._port)),
            env={**child.environment(), **self._settings()},
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.address.url}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _settings(self) -> dict[str, str]:
        folder = Path(self._folder.name)
        authentication = folder / "authentication.ini"
        authentication.write_text(
            f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/users.sqlite\n"
        )
        return {
            "HOME": os.environ.get("HOME", str(folder)),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests alone",
            "MLFLOW_AUTH_CONFIG_PATH": str(authentication),
            "MLFLOW_AUTH_ADMIN_USERNAME": _USER,
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.address.password or "",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "_MLFLOW_SERVER_BOOT_ID": secrets.token_hex(8),
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.sqlite",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        }
