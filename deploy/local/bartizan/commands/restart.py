"""`bartizan restart`."""

import click

from bartizan.commands.console import terminal
from bartizan.commands.starting import await_ready
from bartizan.settings import from_process
from bartizan.supervision import control


@click.command(epilog="Example: bartizan restart model_api")
@click.argument("service")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait until ready.")
def restart(service: str, timeout: float) -> None:
    """Restart one SERVICE, and wait until all is ready."""
    home = from_process().home
    control.ask(home, control.Request("restart", service), timeout=timeout)
    await_ready(home, terminal(), timeout)
    click.echo(f"{service} was restarted.")
