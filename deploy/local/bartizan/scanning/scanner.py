"""One scan from its rows to its exit status."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from bartizan.scanning.batches import batches
from bartizan.scanning.guard import GuardContext, judged
from bartizan.scanning.reports import Report
from bartizan.scanning.rows import BadRow, Item
from bartizan.scanning.tally import Tally


async def scan_rows(
    items: Iterator[Item], context: GuardContext, report: Report, progress: Progress, size: int
) -> int:
    """Judges all rows and tells the report; bad rows go to stderr. Answers the exit status.

    `size` is the bytes of the input where that is known, and 0 where it is not.
    """
    tally = Tally()
    task = progress.add_task("judging", total=size or None)
    with progress:
        async with (
            context as guard,
            contextlib.aclosing(judged(guard, batches(items))) as outcomes,
        ):
            async for outcome in outcomes:
                tally.add(outcome)
                if isinstance(outcome, BadRow):
                    message = f"line {outcome.line}: {outcome.reason}"
                    progress.console.print(message, markup=False, highlight=False)
                    end = outcome.end
                else:
                    report.tell(*outcome)
                    end = outcome[0].end
                progress.update(task, completed=end)
        progress.remove_task(task)
    report.end(tally)
    if tally.bad:
        rows = "row" if tally.bad == 1 else "rows"
        progress.console.print(f"{tally.bad:,} {rows} could not be judged", highlight=False)
    return tally.status


def progress_on(console: Console, *, shown: bool) -> Progress:
    """A bar for inputs of known size; without a terminal there is none."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
