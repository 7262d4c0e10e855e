"""`bartizan supervise`: what `up` starts in the background."""

import click

from bartizan.settings import from_process


@click.command(hidden=True)
def supervise() -> None:
    """Keep the platform running until told to stop."""
    # The servers' wheels take long to import, and no other command needs them.
    from bartizan.supervision.background import run

    run(from_process())
