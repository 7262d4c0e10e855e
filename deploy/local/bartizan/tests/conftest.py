"""A platform of its own for each test: real PostgreSQL, real Redis, a real supervisor."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bartizan.home import Home
from bartizan.settings import PROGRAMS
from bartizan.tests.platforms import PROGRAM, Platform, free_ports


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    dist = folder / "dist"
    dist.mkdir()
    for name in PROGRAMS:
        shutil.copy(PROGRAM, dist / f"{name}.pex")
    with free_ports() as ports:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(Path(each).resolve()) for each in sys.path),
            "BARTIZAN_DIST": str(dist),
            "BARTIZAN_HOME": str(folder / "home"),
            "BARTIZAN_PORT_OFFSET": str(ports.offset),
        }
        platform = Platform(environment, Home(folder / "home"), ports, dist)
        yield platform
        platform.run("reset", "--yes")
        assert platform.listening() == []


@pytest.fixture
def kill() -> Callable[[int], None]:
    """Kills a process as a crash would."""
    return lambda pid: os.kill(pid, signal.SIGKILL)
