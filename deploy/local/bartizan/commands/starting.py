"""Waits for the platform to become ready, and shows how far it is."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bartizan.errors import BartizanError, NotUpError
from bartizan.home import Home
from bartizan.supervision import control, process
from bartizan.supervision.log_files import tail
from bartizan.supervision.status import PlatformStatus, UnitStatus

_POLL = 0.2
_TRIES = 3
_LINES = 5


def await_ready(home: Home, console: Console, timeout: float) -> PlatformStatus:
    """Returns the platform once all of it is ready. Raises `BartizanError` when it gives up."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=10, transient=True) as live:
            return _poll(home, timeout, lambda platform: live.update(_table(platform)))
    seen: dict[str, str] = {}

    def tell(platform: PlatformStatus) -> None:
        if platform.is_healthy and not seen:
            return
        for unit in platform.units:
            if seen.get(unit.name) != unit.state:
                seen[unit.name] = unit.state
                console.print(f"{unit.name}: {unit.state}", markup=False, highlight=False)

    return _poll(home, timeout, tell)


def _poll(home: Home, timeout: float, show: Callable[[PlatformStatus], None]) -> PlatformStatus:
    deadline = time.monotonic() + timeout
    # What crashed in the hours before says nothing of this start.
    before: dict[str, int] = {}
    while True:
        try:
            platform = control.ask(home, control.Request("status"))
        except NotUpError:
            if process.is_running(home):
                continue
            lines = " ".join(tail(home.log("supervisor"), 1))
            raise BartizanError(f"the supervisor ended while starting: {lines}") from None
        show(platform)
        if platform.is_healthy:
            return platform
        for unit in platform.units:
            tries = unit.restarts - before.setdefault(unit.name, unit.restarts)
            if unit.state == "failed" or (tries >= _TRIES and not unit.is_healthy):
                raise BartizanError(_failure(home, unit))
        if time.monotonic() > deadline:
            late = [unit for unit in platform.units if not unit.is_healthy]
            names = ", ".join(f"{unit.name} ({unit.state})" for unit in late)
            raise BartizanError(f"not ready after {timeout:g} s: {names}; see `bartizan logs`")
        time.sleep(_POLL)


def _failure(home: Home, unit: UnitStatus) -> str:
    log = home.log(unit.name)
    lines = "".join(f"\n  {line}" for line in tail(log, _LINES))
    return f"{unit.name} did not start: {unit.detail}" + (f"\n{log} ends:{lines}" if lines else "")


def _table(platform: PlatformStatus) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for unit in platform.units:
        if unit.is_healthy:
            table.add_row(Text("✓", style="green"), unit.name, Text(unit.state, style="green"))
        else:
            table.add_row(Spinner("dots"), unit.name, Text(f"{unit.state} {unit.detail}"))
    return table
