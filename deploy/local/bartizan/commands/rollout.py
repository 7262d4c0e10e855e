"""`bartizan rollout`."""

import sys
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console

from bartizan.commands.console import terminal
from bartizan.settings import from_process

if TYPE_CHECKING:
    from bartizan.gateway.gateway import Gateway
    from bartizan.gateway.shapes import Rollout

NOT_PROMOTED = 1


@click.command(
    epilog="""\b
Examples:
  bartizan rollout 2
  bartizan rollout 2 --plan quick --reason "fewer false alarms on code"
  bartizan rollout 2 --plan plan.json --detach
"""
)
@click.argument("version", type=click.IntRange(min=1))
@click.option("--model", default="detector", show_default=True, help="What it is a version of.")
@click.option(
    "--plan",
    default="standard",
    show_default=True,
    metavar="quick|standard|FILE",
    help="The steps and gates: built in, or a JSON file as the API takes it.",
)
@click.option("--follow/--detach", default=True, help="Watch it, or only begin it.")
@click.option("--wait", default=None, type=float, help="Seconds to watch at most; it goes on.")
@click.option("--accept-worse", is_flag=True, help="Although its evaluation says that it is worse.")
@click.option("--reason", default="rolled out from the terminal", help="Kept in the history.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
def rollout(
    version: int,
    model: str,
    plan: str,
    wait: float | None,
    reason: str,
    *,
    follow: bool,
    accept_worse: bool,
    as_json: bool,
) -> int:
    """Roll a VERSION out, step by step.

    In the shadow first, then for a growing share of requests, then for all. A failed gate rolls
    it back by itself. Ctrl-C ends the watching, not the rollout; the same command watches it again.

    Exit status: 0 when it is champion (or begun, with --detach), 1 when it was rolled back, or
    waits for somebody or for traffic, 2 on an error.
    """
    # Its HTTP client takes long to import, and other commands do not need it.
    from bartizan.gateway import rollouts
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.plans import read_plan

    console = terminal(stderr=as_json)
    body = {**read_plan(plan), "version": version, "reason": reason, "accept_worse": accept_worse}
    with open_gateway(from_process()) as gateway:
        if follow:
            begun, goes_on = rollouts.begin_or_take_up(gateway, model, body)
            if goes_on:
                console.print("It goes on already, by the plan that it began with.")
            begun = _watched(gateway, begun, console, wait)
        else:
            begun = rollouts.begin(gateway, model, body)
    if as_json:
        sys.stdout.write(msgspec.json.encode(begun).decode() + "\n")
    if begun.state == "completed":
        console.print(f"Version {version} of {model} is champion.", highlight=False)
        console.print(f"Who did what, and what each gate measured: bartizan history {version}")
        return 0
    if begun.ending:
        how = "failed" if begun.state == "failed" else "was rolled back"
        said = f"It {how}: {begun.ending.reason}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    elif follow:
        console.print(f"It is {begun.state.replace('_', ' ')}: not champion.", highlight=False)
    else:
        console.print(f"Rollout {begun.id} has begun.", highlight=False)
        return 0
    return NOT_PROMOTED


def _watched(
    gateway: "Gateway", begun: "Rollout", console: Console, wait: float | None
) -> "Rollout":
    from bartizan.gateway import rollouts

    try:
        return rollouts.watch(gateway, begun, console, wait or float("inf"))
    except KeyboardInterrupt:
        console.print(
            "\nIt goes on: the same command watches it again, `bartizan rollback` ends it."
        )
        raise
