"""`bartizan history`."""

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from bartizan.commands.console import terminal
from bartizan.commands.people import moment, names_of_keys
from bartizan.settings import from_process

if TYPE_CHECKING:
    from bartizan.gateway.gateway import Gateway
    from bartizan.gateway.shapes import Event

UNSOUND = 1
_PAGE = 200


@click.command()
@click.argument("version", type=click.IntRange(min=1))
@click.option("--model", default="detector", show_default=True, help="What it is a version of.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with signatures and all.")
def history(version: int, model: str, *, as_json: bool) -> int:
    """Show who did what to a VERSION, and prove it.

    Each event with its actor, its reason and its evidence; at last, whether the signed record is
    what was recorded. Actors are API keys: their names are those of today, their ids are signed.

    Exit status: 0 when every history is what was recorded, 1 when one is not.
    """
    from bartizan.gateway.event_lines import lines_of
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING, Audit

    with open_gateway(from_process()) as gateway:
        events = _all(gateway, f"{TRAINING}/models/{model}/versions/{version}/history")
        audit = gateway.get(f"{TRAINING}/audit", Audit, verify="true", limit=1)
        names = {} if as_json else names_of_keys(gateway)
    sound = audit.verification is not None and audit.verification.sound
    if as_json:
        shown = {"events": events, "verification": audit.verification}
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
        return 0 if sound else UNSOUND
    console = terminal()
    for event in events:
        name = names.get(event.actor)
        who = event.actor if name is None else f"{name} ({event.actor})"
        console.print(
            f"{event.position:>4}  {moment(event.at)}  {event.type} by {who}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        for line in lines_of(event):
            console.print(f"      {line}", markup=False, highlight=False, soft_wrap=True)
    bad = audit.verification.first_bad if audit.verification else None
    if bad is not None:
        console.print(f"Altered at position {bad.position} of {bad.model}: {bad.what}", style="red")
    elif sound:
        console.print("The history is signed, and as it was recorded.", highlight=False)
    return 0 if sound else UNSOUND


def _all(gateway: "Gateway", path: str) -> "list[Event]":
    from bartizan.gateway.shapes import Events

    page = gateway.get(path, Events, limit=_PAGE)
    events = page.items
    while page.next_cursor:
        page = gateway.get(path, Events, limit=_PAGE, cursor=page.next_cursor)
        events += page.items
    return events
