"""How outcomes are told: JSON Lines, tab-separated lines, or a table on a terminal."""

import sys
from typing import Protocol

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bartizan.scanning.rows import Row
from bartizan.scanning.tally import Tally
from bartizan.scanning.verdicts import Judgement

_SHOWN = 50
_EXCERPT = 60
_STYLES = {"allow": "green", "flag": "yellow", "block": "bold red"}


class Report(Protocol):
    """Told each judgement in order, and the end."""

    def tell(self, row: Row, judgement: Judgement) -> None: ...

    def end(self, tally: Tally) -> None: ...


class JsonReport:
    """One object a line: `id`, `decision`, `score`, `categories`."""

    def tell(self, row: Row, judgement: Judgement) -> None:
        line = msgspec.json.encode({"id": row.id, **msgspec.structs.asdict(judgement)})
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def end(self, tally: Tally) -> None:
        """The lines say all."""


class PlainReport:
    """One line a row for other programs: id, decision, score, leading category, by tabs."""

    def tell(self, row: Row, judgement: Judgement) -> None:
        cells = (visible(str(row.id)), judgement.decision, f"{judgement.score:.4f}")
        sys.stdout.write("\t".join((*cells, judgement.leading)) + "\n")
        sys.stdout.flush()

    def end(self, tally: Tally) -> None:
        """The lines say all."""


class TerminalReport:
    """A table of what was not allowed, the first of them, and the counts."""

    def __init__(self, console: Console, *, single: bool) -> None:
        self._console = console
        self._single = single
        self._table = Table(box=None, pad_edge=False)
        for heading in ("decision", "score", "category", "id", "text"):
            self._table.add_column(heading, overflow="ellipsis", no_wrap=True)

    def tell(self, row: Row, judgement: Judgement) -> None:
        shown = self._single or judgement.decision != "allow"
        if shown and self._table.row_count < _SHOWN:
            self._table.add_row(
                Text(judgement.decision, style=_STYLES[judgement.decision]),
                f"{judgement.score:.3f}",
                Text(judgement.leading),
                Text(visible(str(row.id))),
                Text(visible(row.text[: _EXCERPT + 1])),
            )

    def end(self, tally: Tally) -> None:
        if self._table.row_count:
            self._console.print(self._table)
        if self._single:
            return
        hidden = tally.decisions["flag"] + tally.decisions["block"] - self._table.row_count
        if hidden > 0:
            self._console.print(f"… and {hidden:,} more: --json gives them all")
        counts = (f"{count:,} {decision}" for decision, count in tally.decisions.items())
        self._console.print(Text(", ".join(counts) + f", {tally.bad:,} not judged"))


def visible(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)
