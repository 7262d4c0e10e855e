"""How far something is: a bar on a terminal that can move, a line at each new step elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


class Tell(Protocol):
    """Tells that `fraction` of the work is done, what is being done, and what else is known."""

    def __call__(self, fraction: float, step: str = "", note: str = "") -> None: ...


@contextmanager
def shown(console: Console, what: str) -> Iterator[Tell]:
    """Shows one piece of work for the length of the block."""
    if not console.is_interactive:
        seen = ""

        def print_steps(fraction: float, step: str = "", note: str = "") -> None:
            nonlocal seen
            del fraction, note
            if step and step != seen:
                seen = step
                console.print(f"{what}: {step}", markup=False, highlight=False)

        yield print_steps
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(what, total=1.0, note="")

        def move(fraction: float, step: str = "", note: str = "") -> None:
            described = f"{what}: {step}" if step else what
            bars.update(task, completed=fraction, description=described, note=note)

        yield move


def remaining(seconds: float | None) -> str:
    """`about 3 min left`, or nothing where nobody knows."""
    if seconds is None:
        return ""
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"
