"""`bartizan models`."""

import sys

import click
import msgspec
from rich.table import Table
from rich.text import Text

from bartizan.commands.console import terminal
from bartizan.commands.people import moment, names_of_keys
from bartizan.settings import from_process

_PAGE = 200


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def models(*, as_json: bool) -> None:
    """Show the models, their versions, and which of them answers."""
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING, Models, Versions

    with open_gateway(from_process()) as gateway:
        found = gateway.get(f"{TRAINING}/models", Models, limit=_PAGE).items
        versions = {
            model.name: gateway.get(
                f"{TRAINING}/models/{model.name}/versions", Versions, limit=_PAGE
            ).items
            for model in found
        }
        names = {} if as_json else names_of_keys(gateway)
    if as_json:
        shown = [{"model": model, "versions": versions[model.name]} for model in found]
        sys.stdout.write(msgspec.json.encode({"models": shown}).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "version", "state", "verdict", "bundle", "registered", "by"):
        table.add_column(heading)
    for model in found:
        for version in versions[model.name]:
            table.add_row(
                model.name,
                str(version.version),
                Text(version.state, style="green" if version.version == model.champion else ""),
                version.verdict or "",
                version.bundle_version,
                moment(version.registered_at),
                Text(names.get(version.registered_by, version.registered_by)),
            )
    terminal().print(table)
