"""`bartizan reset`."""

import click

from bartizan.settings import from_process
from bartizan.supervision import process


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Stop the platform and delete its state.

    Databases, keys and logs go. There is no way back.
    """
    home = from_process().home
    if not home.path.exists():
        click.echo(f"There is no state in {home.path}.")
        return
    if not yes:
        click.confirm(f"Delete all data and keys in {home.path}?", abort=True, err=True)
    process.end(home)
    home.remove()
    click.echo(f"The state in {home.path} is deleted.")
