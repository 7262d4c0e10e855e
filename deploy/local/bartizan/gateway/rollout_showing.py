"""A rollout as people watch it: lines that stay, and on a terminal what moves meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from bartizan.gateway.shapes import Gate, Rollout

_NUMBER = re.compile(r"\d[\d.e+-]*")


class Watch:
    """Tells of each stage when it begins, of what holds it, and when it ends of its gates."""

    def __init__(self, console: Console, live: Live | None) -> None:
        self._console = console
        self._live = live
        self._stage = ""
        self._held: set[str] = set()
        self._gates: list[Gate] = []

    def tell(self, rollout: Rollout) -> None:
        """Takes in how the rollout stands now."""
        stage = stage_of(rollout)
        if stage != self._stage:
            self._end_stage()
            self._print(stage)
            self._stage = stage
        if rollout.gate_results:
            self._gates = rollout.gate_results
        held = rollout.waiting_for
        if held:
            # The numbers in it move every second; that it waits, and for what, is said once.
            shape = _NUMBER.sub("#", held)
            if shape not in self._held:
                self._print(f"  waits: {held}")
            self._held.add(shape)
        if self._live is not None:
            self._live.update(_moving(rollout))

    def end(self) -> None:
        """Tells what the last gates said."""
        self._end_stage()

    def _end_stage(self) -> None:
        for gate in self._gates:
            if gate.outcome != "too_little_traffic":
                self._print(f"  {gate.in_words}")
        self._gates, self._held = [], set()

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def watching(console: Console) -> Iterator[Watch]:
    """Shows a rollout for the length of the block."""
    if not console.is_interactive:
        watch = Watch(console, None)
        yield watch
        watch.end()
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        watch = Watch(console, live)
        yield watch
        watch.end()


def stage_of(rollout: Rollout) -> str:
    """The stage in words, with what ends it."""
    step = _step(rollout)
    if step is None:
        return rollout.state.replace("_", " ")
    share = step.get("weight") or step.get("sample") or 1.0
    place = f"step {rollout.step + 1} of {len(rollout.plan)}"
    ends = [
        *([f"{step['predictions']:,} predictions"] if step.get("predictions") else []),
        *([f"{step['minutes']:g} min"] if step.get("minutes") else []),
    ]
    return f"{rollout.state} of {share:.0%} ({place})" + (
        f": until {' or '.join(ends)}" if ends else ""
    )


def _step(rollout: Rollout) -> dict[str, Any] | None:
    is_in_plan = rollout.state in ("shadow", "canary") and rollout.step < len(rollout.plan)
    return rollout.plan[rollout.step] if is_in_plan else None


def _moving(rollout: Rollout) -> Group:
    """What changes all the time: how far the step is, and each gate."""
    passed = ""
    if _step(rollout) is not None:
        passed = f"{rollout.step_predictions:,} predictions"
        if rollout.step_started_at is not None:
            seconds = (datetime.now(UTC) - rollout.step_started_at).total_seconds()
            passed += f" in {max(seconds, 0) // 60:.0f}:{max(seconds, 0) % 60:02.0f} min"
    head = Spinner("dots", Text(f"{rollout.state.replace('_', ' ')} {passed}".rstrip()))
    return Group(head, *(Text(f"  {gate.in_words}") for gate in rollout.gate_results))
