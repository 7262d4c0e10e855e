"""What an import and a training cost, by the number of rows."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.table import Table

from e2e.gateway import client
from e2e.programs import find_folder
from e2e.running_platform import Platform, home_of_a_user, platform_in_temporary_folder
from load.jobs import Cost, follow, send
from load.synthetic_rows import write_rows

WIDTH = 120
SEED = 1
WORKER = "training-worker"
MEMORY_GOAL_BYTES = 1_000_000_000
MOST_ROWS = 2_000_000
# A process takes half a second to start, and other things run on the machine: beyond this share
# the growth is no accident.
TOLERATED_GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done to so many rows."""

    what: str
    rows: int
    size_bytes: int
    upload_seconds: float | None
    cost: Cost


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--rows",
    "sizes",
    type=click.IntRange(100, 10_000_000),
    multiple=True,
    default=(20_000, 200_000, MOST_ROWS),
    help="Rows of a dataset.",
)
@click.option("--train/--no-train", default=False, help="Also train `linear` on each.")
@click.option("--strict", is_flag=True, help="Exit status 1 when a goal is not met.")
def main(sizes: tuple[int, ...], train: bool, strict: bool) -> None:
    """Rows a second and memory of imports, and of `linear`.

    Runs the packaged programs (BARTIZAN_DIST, or dist/) as a platform of its own, in a temporary
    folder and on free ports. The rows are synthetic, with the lengths of real ones.
    """
    console = Console(width=None if Console().is_terminal else WIDTH)
    folder = find_folder(os.environ, Path.cwd())
    with home_of_a_user() as home, platform_in_temporary_folder(folder, home) as platform:
        console.print("Starting the platform")
        platform.up()
        lines = asyncio.run(_measure(platform, sorted(sizes), train, console))
    console.print(table(lines))
    reached = list(goals(lines))
    for promise, is_met in reached:
        verdict = "met" if is_met else "NOT met"
        style = "green" if is_met else "red"
        console.print(f"{promise}: {verdict}", style=style, highlight=False)
    if strict and not all(is_met for _, is_met in reached):
        raise SystemExit(1)


async def _measure(
    platform: Platform, sizes: Sequence[int], train: bool, console: Console
) -> list[Line]:
    lines: list[Line] = []
    worker = platform.pid(WORKER)

    async def measure(what: str, rows: int, size: int, upload: float | None, job_id: str) -> None:
        cost = await follow(gateway, job_id, worker)
        lines.append(Line(what, rows, size, upload, cost))
        console.print(
            f"  {cost.cpu_seconds:.1f} s of CPU, {cost.memory_bytes / 1e6:.0f} MB", highlight=False
        )

    async with client(platform, platform.admin_key) as gateway:
        for rows in sizes:
            path = platform.home.parent / f"{rows}.jsonl"
            console.print(f"Writing {rows:,} rows")
            size = await asyncio.to_thread(write_rows, path, rows, SEED)
            name = f"synthetic-{rows}"
            console.print("Importing them")
            job_id, seconds = await send(gateway, name, path)
            await measure("import", rows, size, seconds, job_id)
            path.unlink()
            if train:
                console.print("Training on them")
                await measure("linear", rows, size, None, await _train(gateway, name))
    return lines


async def _train(gateway: httpx.AsyncClient, dataset: str) -> str:
    order = {
        "name": "benchmark",
        "datasets": [{"name": dataset, "version": 1}],
        "trainer": "linear",
        "seed": SEED,
    }
    answer = await gateway.post("/api/training/train", json=order)
    answer.raise_for_status()
    job_id: str = answer.json()["id"]
    return job_id


def table(lines: Sequence[Line]) -> Table:
    """One line a job."""
    shown = Table(title="Jobs by the number of rows; memory at its highest", box=None)
    for column in (
        "job",
        "rows",
        "MB",
        "upload MB/s",
        "seconds",
        "rows/s",
        "CPU s",
        "rows/CPU s",
        "peak MB",
    ):
        shown.add_column(column, justify="left" if column == "job" else "right")
    for line in lines:
        megabytes = line.size_bytes / 1e6
        shown.add_row(
            line.what,
            f"{line.rows:,}",
            f"{megabytes:.0f}",
            "" if line.upload_seconds is None else f"{megabytes / line.upload_seconds:.0f}",
            f"{line.cost.seconds:.1f}",
            f"{line.rows / line.cost.seconds:,.0f}",
            f"{line.cost.cpu_seconds:.1f}",
            f"{line.rows / line.cost.cpu_seconds:,.0f}",
            f"{line.cost.memory_bytes / 1e6:.0f}",
        )
    return shown


def goals(lines: Sequence[Line]) -> list[tuple[str, bool]]:
    """What was promised, and whether it was kept."""
    found = []
    for what in dict.fromkeys(line.what for line in lines):
        own = [line for line in lines if line.what == what]
        for fewer, more in pairwise(own):
            growth = more.cost.cpu_seconds / fewer.cost.cpu_seconds
            linear = more.rows / fewer.rows
            found.append(
                (
                    f"{what}: {linear:g} times the rows take {growth:.1f} times the CPU",
                    growth <= linear * TOLERATED_GROWTH,
                )
            )
        for line in own:
            if line.what == "import" and line.rows == MOST_ROWS:
                used = line.cost.memory_bytes
                promise = f"import of {line.rows:,} rows below 1 GB of memory: {used / 1e6:.0f} MB"
                found.append((promise, used < MEMORY_GOAL_BYTES))
    return found


if __name__ == "__main__":
    main()
