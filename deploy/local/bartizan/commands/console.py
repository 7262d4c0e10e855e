"""Where the commands print."""

from rich.console import Console

_UNWRAPPED = 200


def terminal(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; in a pipe, wide enough that no table is cut."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_UNWRAPPED)
