"""`bartizan up`."""

import signal
from types import FrameType

import click
from rich.console import Console

from bartizan.commands import addresses
from bartizan.commands.console import terminal
from bartizan.commands.starting import await_ready
from bartizan.errors import BartizanError, NotUpError
from bartizan.log_reading import Follower
from bartizan.ports import refuse_taken
from bartizan.settings import PROGRAMS, Settings, from_process
from bartizan.supervision import control, process
from bartizan.supervision.locks import held
from bartizan.supervision.status import PlatformStatus

_ANOTHER_COMMAND = 240.0


@click.command(epilog="Example: BARTIZAN_PORT_OFFSET=1000 bartizan up --foreground")
@click.option("--foreground", is_flag=True, help="Stay with the logs; Ctrl-C stops the platform.")
@click.option(
    "--timeout", default=300.0, show_default=True, help="Seconds to wait until all is ready."
)
def up(foreground: bool, timeout: float) -> None:
    """Start the platform, or what of it does not run."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    settings = from_process()
    console = terminal()
    settings.home.create(PROGRAMS)
    for name in PROGRAMS:
        settings.pex(name)
    follower = Follower(settings.home)
    with held(
        settings.home.run / "up.lock",
        wait=_ANOTHER_COMMAND,
        waiting=lambda: click.echo("waiting for another bartizan command to end", err=True),
    ):
        platform = _up(settings, console, timeout)
    addresses.show(console, settings, platform)
    if foreground:
        try:
            follower.follow(lambda: process.is_running(settings.home))
        except KeyboardInterrupt:
            click.echo("stopping", err=True)
            process.end(settings.home)
        else:
            click.echo("the platform was stopped by another command", err=True)


def _up(settings: Settings, console: Console, timeout: float) -> PlatformStatus:
    running = _running(settings, console)
    if running is None:
        _clear_the_way(settings, console)
    try:
        if running is None:
            process.spawn(settings)
        else:
            control.ask(settings.home, control.Request("start"))
        platform = await_ready(settings.home, console, timeout)
    except (BartizanError, KeyboardInterrupt):
        if running is None:
            click.echo("stopping what was started", err=True)
            process.end(settings.home)
        raise
    console.print("The platform was up already.\n" if running else "The platform is up.\n")
    return platform


def _running(settings: Settings, console: Console) -> PlatformStatus | None:
    """The platform that runs now; one of another build is taken down, to be started anew."""
    try:
        running = control.ask(settings.home, control.Request("status"))
    except NotUpError:
        if process.is_running(settings.home):
            console.print("The supervisor does not answer: ending it")
            process.end(settings.home)
        return None
    if running.port_offset != settings.ports.offset:
        raise BartizanError(
            f"the platform is up with BARTIZAN_PORT_OFFSET={running.port_offset}: "
            "run `bartizan down` before moving its ports"
        )
    if running.build == settings.build():
        return running
    console.print("The build has changed: restarting the platform")
    process.end(settings.home)
    return None


def _clear_the_way(settings: Settings, console: Console) -> None:
    """Ends what a killed supervisor left, and refuses to start where a port is taken."""
    for name in process.stop_orphans(settings.home):
        console.print(f"{name} was left behind by a supervisor that was killed: stopped")
    refuse_taken(settings.ports.named())


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
