"""`bartizan logs`."""

import click

from bartizan.errors import BartizanError
from bartizan.log_reading import Follower, show
from bartizan.settings import from_process
from bartizan.supervision.log_files import tail


@click.command(epilog="Examples: bartizan logs -n 200 model_api, bartizan logs -f")
@click.argument("service", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added; Ctrl-C ends it.")
@click.option("-n", "--lines", default=50, show_default=True, help="Lines of each log at first.")
def logs(service: str | None, follow: bool, lines: int) -> None:
    """Print the end of each log, or of one SERVICE's."""
    home = from_process().home
    files = sorted(home.logs.glob("*.log"))
    names = [file.stem for file in files]
    if service is not None and service not in names:
        known = ", ".join(names) or "none yet"
        raise BartizanError(f"no log of {service!r} in {home.logs} (there are: {known})")
    follower = Follower(home, service)
    for file in files:
        if service in (None, file.stem):
            for line in tail(file, lines):
                show(file, line, named=service is None)
    if follow:
        follower.follow(lambda: True)
