"""Reads the services' logs: their ends, and what is added while one watches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from bartizan.home import Home

_POLL = 0.2


@dataclass
class Follower:
    """Prints what the logs gain from the moment of its making; `only` names a single service."""

    home: Home
    only: str | None = None
    _positions: dict[Path, int] = field(default_factory=dict)
    _pending: dict[Path, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in self._files():
            self._positions[file] = file.stat().st_size

    def follow(self, goes_on: Callable[[], bool]) -> None:
        """Prints until `goes_on` says no, or an interrupt."""
        while goes_on():
            self.print_new()
            time.sleep(_POLL)
        self.print_new()

    def print_new(self) -> None:
        """Prints the whole lines that were added since the last call, log by log."""
        for file in self._files():
            for line in self._new_lines(file):
                show(file, line, named=self.only is None)

    def _files(self) -> list[Path]:
        return sorted(self.home.logs.glob(f"{self.only or '*'}.log"))

    def _new_lines(self, file: Path) -> list[str]:
        position = self._positions.get(file, 0)
        if file.stat().st_size < position:
            # Rotated: emptied in place.
            position = 0
        with file.open("rb") as stream:
            stream.seek(position)
            data = self._pending.pop(file, b"") + stream.read()
            self._positions[file] = stream.tell()
        *lines, rest = data.split(b"\n")
        if rest:
            self._pending[file] = rest
        return [line.decode(errors="replace") for line in lines]


def show(file: Path, line: str, *, named: bool) -> None:
    """Prints one line of a log, with the name of its service before it where several are mixed."""
    click.echo(f"{file.stem:<26} {line}" if named else line)
