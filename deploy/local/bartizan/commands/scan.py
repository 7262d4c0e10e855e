"""`bartizan scan`."""

import click


@click.command()
def scan() -> None:
    """Judge texts."""
