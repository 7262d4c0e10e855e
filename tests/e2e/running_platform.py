"""One running platform: the packaged terminal tool, and what it tells about itself."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from e2e.ports import free_offset
from e2e.programs import Programs

LOOPBACK = "127.0.0.1"
OPS = 10_000


class Exit(msgspec.Struct):
    """How a process ended."""

    status: int | None
    signal: str | None


class Unit(msgspec.Struct):
    """One service or task in `status --json`."""

    name: str
    state: str
    pid: int | None = None
    restarts: int = 0
    last_exit: Exit | None = None


class Status(msgspec.Struct):
    """`status --json`."""

    up: bool
    healthy: bool
    units: list[Unit]

    def unit(self, name: str) -> Unit:
        """The unit of that name."""
        return next(unit for unit in self.units if unit.name == name)


@dataclass(frozen=True, slots=True)
class Platform:
    """A state folder, and the ports of the platform that keeps its state there."""

    programs: Programs
    home: Path
    offset: int

    @property
    def gateway(self) -> str:
        """Address of the gateway's API."""
        return f"http://{LOOPBACK}:{self.port(8007)}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the terminal tool mean this platform."""
        return {
            "BARTIZAN_DIST": str(self.programs.folder),
            "BARTIZAN_HOME": str(self.home),
            "BARTIZAN_PORT_OFFSET": str(self.offset),
        }

    def port(self, first: int) -> int:
        """A port of this platform, by the one it has without an offset."""
        return first + self.offset

    def tool(
        self, *arguments: str, stdin: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs the terminal tool on this platform."""
        return self.programs.run(
            "bartizan", *arguments, stdin=stdin, environment=self.environment, timeout=timeout
        )

    def up(self) -> subprocess.CompletedProcess[str]:
        """Starts the platform; a failure shows the tool's words and the ends of the logs."""
        # The first start unpacks the programs, which a busy machine is minutes about.
        result = self.tool("up", "--timeout", "500", timeout=600)
        assert result.returncode == 0, f"{result.stdout}{result.stderr}\n{self._log_ends()}"
        return result

    def down(self) -> None:
        """Stops the platform; harmless when it is not up."""
        result = self.tool("down")
        assert result.returncode == 0, result.stderr

    def status(self) -> Status:
        """The platform as it is now."""
        return msgspec.json.decode(self.tool("status", "--json").stdout, type=Status)

    def pid(self, name: str) -> int:
        """The process id of a service that runs."""
        pid = self.status().unit(name).pid
        assert pid is not None, f"{name} does not run"
        return pid

    def secret(self, name: str) -> str:
        """A password that the tool keeps."""
        return (self.home / "secrets" / f"{name}.password").read_text().strip()

    @property
    def admin_key(self) -> str:
        """The first API key."""
        return (self.home / "admin.key").read_text().strip()

    def logs(self) -> dict[str, str]:
        """Every log file of the run, by its name."""
        files = (self.home / "log").iterdir()
        return {file.name: file.read_text(errors="replace") for file in files}

    def _log_ends(self) -> str:
        return "\n".join(f"{name}: …{text[-800:]}" for name, text in self.logs().items())


@contextmanager
def home_of_a_user() -> Iterator[Path]:
    """The home of who runs the programs, empty at first; deleted in the end.

    The programs unpack themselves below it, once for all platforms of this user.
    """
    with _temporary_folder() as home:
        yield home


@contextmanager
def platform_in_temporary_folder(folder: Path, user_home: Path) -> Iterator[Platform]:
    """A platform of the programs in `folder`, not started; stopped and deleted in the end."""
    with _temporary_folder() as root:
        platform = Platform(Programs(folder, user_home), root / "state", free_offset())
        try:
            yield platform
        finally:
            platform.down()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    # A short path, not pytest's long one: sockets and PostgreSQL live below it.
    folder = Path(tempfile.mkdtemp(prefix="bz-"))
    # Run by root, PostgreSQL changes to another user, who must be able to pass.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
