"""`register`, `registry verify` and `registry rebuild`: the registry from the command line."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, BinaryIO

import click

from training.settings import Settings, SettingsInvalid, read
from training.wiring.failing import Failed


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--champion", is_flag=True, help="Make it champion where the model has none.")
@click.option(
    "--reason", default="it was registered by an operator", show_default=True, help="Kept for good."
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 3600),
    default=0,
    show_default=True,
    help="Seconds to wait until it is champion; `serve` makes it so.",
)
def register(bundle: Path, champion: bool, reason: str, wait: float) -> None:
    """Register a finished bundle, signed, as the platform's. A repetition changes nothing.

    The model is the one that the bundle's manifest names."""
    from training.wiring.registration import register_bundle

    version, waits_for = _run(register_bundle(_settings(), bundle, champion, reason, wait))
    click.echo(f"version {version}")
    if waits_for is not None:
        raise Failed(f"version {version} is not champion yet: {waits_for}")


@click.group()
def registry() -> None:
    """The history of models, and what is read of it."""


@registry.command()
@click.option(
    "--published",
    type=click.File("rb"),
    help="Events that somebody else kept, one JSON object a line: the histories must hold them.",
)
def verify(published: BinaryIO | None) -> None:
    """Follow every history to its head; exit status 1 and the position where one is broken.

    The database knows the heads, and so would whoever rewrote all of it. Events kept elsewhere,
    as they were on the stream, tell on them."""
    from training.wiring.registration import verify_history

    found = _run(verify_history(_settings(), published or ()))
    if found.first_bad is not None:
        bad = found.first_bad
        raise Failed(
            f"the history of {bad.tenant}/{bad.name} is broken: event {bad.position} {bad.what}"
        )
    click.echo(f"sound: {found.events} events of {found.models} models")


@registry.command()
@click.option("--repair", is_flag=True, help="Write anew what differs.")
def rebuild(repair: bool) -> None:
    """Build what is read of models from their histories, and compare the two."""
    from training.wiring.registration import rebuild_projection

    differences = _run(rebuild_projection(_settings(), repair))
    for each in differences:
        what = "" if each.version is None else f" version {each.version}"
        click.echo(f"{each.tenant}/{each.name}{what}: {each.what}", err=True)
    if not differences:
        click.echo("equal")
    elif repair:
        click.echo("written anew")
    else:
        raise Failed("what is read differs from the history; --repair writes it anew")


def _settings() -> Settings:
    try:
        return read(os.environ)
    except SettingsInvalid as error:
        raise Failed(str(error)) from None


def _run[Result](work: Coroutine[Any, Any, Result]) -> Result:
    from training.wiring.registration import FAILURES

    try:
        return asyncio.run(work)
    except FAILURES as error:
        raise Failed(str(error)) from None
