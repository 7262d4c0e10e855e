"""The layout of the state folder (`.bartizan/`)."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bartizan.errors import BartizanError

_FOLDERS = ("backups", "log", "redis", "run", "run/processes", "s3", "secrets", "state")

MLFLOW_USER = "bartizan"

_OTHERS = 0o067
"""Rights that nobody but the owner may have here; the group may pass through, no more."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths in one state folder; nothing is created by asking for one."""

    path: Path

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def processes(self) -> Path:
        return self.run / "processes"

    @property
    def logs(self) -> Path:
        return self.path / "log"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def s3(self) -> Path:
        return self.path / "s3"

    @property
    def backups(self) -> Path:
        """What was saved before a migration that others wrote."""
        return self.path / "backups"

    @property
    def postgres(self) -> Path:
        """A folder, or a link to one where the server's account cannot reach this place."""
        return self.path / "postgres"

    @property
    def admin_key(self) -> Path:
        return self.path / "admin.key"

    def read_admin_key(self) -> str:
        """The first API key. Raises `BartizanError` where it cannot be read."""
        try:
            return self.admin_key.read_text().strip()
        except OSError as error:
            raise BartizanError(
                f"cannot read the API key {self.admin_key}: {error.strerror}"
            ) from error

    @property
    def mlflow_password(self) -> Path:
        """The one secret that people look up."""
        return self.secrets / "mlflow.password"

    def state(self, service: str) -> Path:
        return self.path / "state" / service

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self, services: tuple[str, ...]) -> None:
        """Makes the folders, their owner's alone. Raises `BartizanError` if it cannot."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_mode & _OTHERS:
                self.path.chmod(0o700)
            for name in (*_FOLDERS, *(f"state/{service}" for service in services)):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            # Of no name: of two commands at once, one would remove the other's.
            with tempfile.TemporaryFile(dir=self.run) as probe:
                probe.write(os.urandom(4096))
        except OSError as error:
            raise BartizanError(
                f"cannot keep state in {self.path}: {error.strerror} "
                "(BARTIZAN_HOME names another place)"
            ) from error

    def remove(self) -> None:
        """Deletes the state, and only what is known to be ours: the folder may hold other files."""
        if self.postgres.is_symlink():
            shutil.rmtree(self.postgres.resolve(), ignore_errors=True)
            self.postgres.unlink()
        for name in ("postgres", "backups", "log", "redis", "run", "s3", "secrets", "state"):
            if (self.path / name).exists():
                shutil.rmtree(self.path / name)
        self.admin_key.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()
