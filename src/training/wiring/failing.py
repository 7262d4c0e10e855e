"""How a command fails: one line on standard error, exit status 1."""

import click


class Failed(click.ClickException):
    """An operational failure; the message says what is wrong, and what to do about it."""

    def show(self, file: object = None) -> None:
        """Print the line."""
        click.echo(f"training: {self.format_message()}", err=True)
