"""The benchmark's command line: what a request costs, against a route that does nothing."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from e2e import prompts
from e2e.programs import find_folder
from e2e.records import records_of
from e2e.running_platform import Platform, home_of_a_user, platform_in_temporary_folder
from load.measuring import Cell, measure, warm_up
from load.messages import bodies
from load.report import goals, table
from load.services import ALONE, BARE, THROUGH_GATEWAY, bare_route, guard_alone, through_gateway

WIDTH = 160


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--rate", "rates", type=float, multiple=True, default=(100, 300, 600), help="Requests a second."
)
@click.option("--seconds", type=float, default=4, help="Length of a round.")
@click.option("--rounds", type=int, default=3, help="Rounds of every target at every rate.")
@click.option("--characters", type=int, default=500, help="Length of a prompt.")
@click.option("--unicode", is_flag=True, help="Also other scripts, and attacks that hide.")
@click.option("--strict", is_flag=True, help="Exit status 1 when a goal is not met.")
def main(
    rates: tuple[float, ...],
    seconds: float,
    rounds: int,
    characters: int,
    unicode: bool,
    strict: bool,
) -> None:
    """Latency and CPU at fixed open-loop rates: a bare route, the guard alone, the gateway.

    Runs the packaged programs (BARTIZAN_DIST, or dist/) as a platform of its own, in a temporary
    folder and on free ports, in one run with the others.
    """
    texts = [prompt.text for prompt in prompts.own() if unicode or prompt.text.isascii()]
    sent = bodies(texts, characters)
    console = Console(width=None if Console().is_terminal else WIDTH)
    folder = find_folder(os.environ, Path.cwd())
    with home_of_a_user() as home, platform_in_temporary_folder(folder, home) as platform:
        console.print("Starting the platform")
        platform.up()
        took = len(rates) * rounds * 3 * seconds
        console.print(f"Measuring for about {took:.0f} s")
        cells, recorded = asyncio.run(_measure(platform, sent, rates, seconds, rounds))
    console.print(table(cells, BARE))
    answered = sum(cell.answered for cell in cells if cell.target.name != BARE)
    console.print(f"\n{answered} predictions answered, {recorded} rows written with them\n")
    reached = goals(cells, ALONE, THROUGH_GATEWAY)
    for goal in reached:
        console.print(str(goal), style="green" if goal.is_met else "red", highlight=False)
    if recorded < answered:
        raise click.ClickException("predictions were answered that are not in the table")
    if strict and not all(goal.is_met for goal in reached):
        raise SystemExit(1)


async def _measure(
    platform: Platform,
    sent: Sequence[bytes],
    rates: Sequence[float],
    seconds: float,
    rounds: int,
) -> tuple[list[Cell], int]:
    """The cells, and how many predictions are in the table that were not there before."""
    async with records_of(platform) as records:
        with bare_route(sent) as floor, guard_alone(platform, sent) as alone:
            targets = [floor, alone, await through_gateway(platform, sent)]
            await warm_up(targets, min(rates))
            before = await records.number()
            cells = await measure(targets, rates, seconds, rounds)
            return cells, await records.number() - before


if __name__ == "__main__":
    main()
