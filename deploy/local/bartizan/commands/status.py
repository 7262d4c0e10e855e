"""`bartizan status`."""

import sys
from datetime import UTC, datetime

import click
import msgspec
from rich.table import Table
from rich.text import Text

from bartizan.commands.console import terminal
from bartizan.errors import NotUpError
from bartizan.home import Home
from bartizan.settings import from_process
from bartizan.supervision import control
from bartizan.supervision.records import Records
from bartizan.supervision.status import PlatformStatus, UnitStatus

UNHEALTHY = 3


@click.command(epilog="Example: bartizan status --json | jq '.units[] | select(.restarts > 0)'")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(as_json: bool) -> int:
    """Say what runs. Exit status 0 when all is ready, 3 when not, 1 when that cannot be known."""
    home = from_process().home
    try:
        platform = control.ask(home, control.Request("status"))
    except NotUpError as error:
        _show_absent(home, str(error), as_json=as_json)
        return UNHEALTHY
    if as_json:
        answer = {"up": True, "healthy": platform.is_healthy, **msgspec.to_builtins(platform)}
        _print_json(answer)
    else:
        terminal().print(_table(platform))
    return 0 if platform.is_healthy else UNHEALTHY


def _show_absent(home: Home, reason: str, *, as_json: bool) -> None:
    orphans = Records(home.processes).living()
    if as_json:
        left = [{"name": orphan.name, "pid": orphan.pid} for orphan in orphans]
        _print_json({"up": False, "healthy": False, "units": [], "orphans": left})
        return
    click.echo(reason, err=True)
    for orphan in orphans:
        click.echo(
            f"{orphan.name} (pid {orphan.pid}) still runs without a supervisor: "
            "`bartizan up` or `bartizan down` puts this right",
            err=True,
        )


def _print_json(answer: object) -> None:
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


def _table(platform: PlatformStatus) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "state", "for", "pid", "restarts", "last exit", "address"):
        table.add_column(heading, justify="right" if heading in ("pid", "restarts") else "left")
    for unit in platform.units:
        state = Text(unit.state, style="green" if unit.is_healthy else "red")
        if unit.detail:
            state.append(f" ({unit.detail})")
        table.add_row(unit.name, state, *_facts(unit))
    return table


def _facts(unit: UnitStatus) -> tuple[str, ...]:
    elapsed = datetime.now(UTC) - datetime.fromisoformat(unit.since)
    elapsed -= elapsed % type(elapsed)(seconds=1)
    service = unit.kind == "service"
    return (
        str(elapsed),
        str(unit.pid or ""),
        str(unit.restarts) if service else "",
        f"{unit.last_exit} at {unit.last_exit.at}" if unit.last_exit else "",
        unit.address,
    )
