"""`bartizan report` and `bartizan quarantine`."""

import sys

import click
from rich.markdown import Markdown

from bartizan.commands.console import terminal
from bartizan.commands.references import dataset_version
from bartizan.errors import BartizanError
from bartizan.settings import from_process

_WIDTH_OF_TABLES = 100
"""On a narrower terminal their columns would be cut: there the text is printed as it is."""


@click.command(epilog="Example: bartizan report 2 > report.md")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--model", default="detector", show_default=True, help="What it is a version of.")
def report(version: int, model: str) -> None:
    """Show how a VERSION did on every suite, in Markdown."""
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING

    with open_gateway(from_process()) as gateway:
        path = f"{TRAINING}/models/{model}/versions/{version}/report"
        found = gateway.send("GET", path, bytes, headers={"Accept": "text/markdown"})
    console = terminal()
    if console.is_terminal and console.width >= _WIDTH_OF_TABLES:
        console.print(Markdown(found.decode()))
    else:
        sys.stdout.buffer.write(found)


@click.command(epilog="Example: bartizan quarantine prompts:1 > bad-rows.jsonl")
@click.argument("dataset", metavar="NAME:VERSION")
def quarantine(dataset: str) -> None:
    """Print the rows that an import kept out, and why."""
    from bartizan.gateway.answers import reason
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING

    name, version = dataset_version(dataset, "NAME:VERSION")
    path = f"{TRAINING}/data/{name}/versions/{version}/quarantine"
    with open_gateway(from_process()) as gateway, gateway.client.stream("GET", path) as answer:
        if not answer.is_success:
            answer.read()
            raise BartizanError(reason(answer))
        # Piece by piece: it may be as large as the file was.
        for piece in answer.iter_bytes():
            sys.stdout.buffer.write(piece)
