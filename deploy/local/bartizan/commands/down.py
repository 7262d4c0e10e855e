"""`bartizan down`."""

import click

from bartizan.settings import from_process
from bartizan.supervision import process


@click.command()
def down() -> None:
    """Stop the platform; its data stays. Harmless when it is not up."""
    home = from_process().home
    click.echo("The platform is down." if process.end(home) else "The platform was not up.")
