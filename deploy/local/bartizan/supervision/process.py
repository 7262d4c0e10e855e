"""The supervisor as a process: how it is started, found, and ended, whatever became of it."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from bartizan.errors import BartizanError, NotUpError
from bartizan.home import Home
from bartizan.settings import Settings
from bartizan.supervision import control
from bartizan.supervision.locks import holder, is_held
from bartizan.supervision.log_files import tail
from bartizan.supervision.records import Records, stop_all
from bartizan.supervision.status import PlatformStatus

_POLL = 0.1
_ANSWERS_WITHIN = 10.0
_STARTS_WITHIN = 30.0
_ENDS_WITHIN = 90.0


def spawn(settings: Settings) -> PlatformStatus:
    """Starts the supervisor in a session of its own, and returns once it answers."""
    file = settings.home.log("supervisor")
    command = (sys.executable, "-P", "-m", "bartizan", "supervise")
    pid = os.posix_spawn(
        command[0],
        command,
        {**settings.environment, **settings.explicit()},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(NotUpError):
            return control.ask(settings.home, control.Request("status"))
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        time.sleep(_POLL)
    reason = " ".join(tail(file, 1)) or f"see {file}"
    raise BartizanError(f"the supervisor did not start: {reason}")


def end(home: Home) -> bool:
    """Stops the platform and waits for it; answers whether there was anything to stop.

    A supervisor that does not answer, or not end in time, is killed, and what it leaves behind is
    stopped.
    """
    was_running = is_running(home)
    if was_running:
        deadline = time.monotonic()
        with contextlib.suppress(BartizanError):
            control.ask(home, control.Request("stop"), timeout=_ANSWERS_WITHIN)
            deadline += _ENDS_WITHIN
        while is_running(home):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder(lock(home)), signal.SIGKILL)
            time.sleep(_POLL)
    return bool(stop_orphans(home)) or was_running


def is_running(home: Home) -> bool:
    """Whether a supervisor lives, answering or not."""
    return is_held(lock(home))


def stop_orphans(home: Home) -> list[str]:
    """Ends the processes that a killed supervisor left behind; answers their names."""
    orphans = Records(home.processes).living()
    stop_all(orphans)
    return [orphan.name for orphan in orphans]


def lock(home: Home) -> Path:
    """Held as long as a supervisor lives."""
    return home.run / "supervisor.lock"
