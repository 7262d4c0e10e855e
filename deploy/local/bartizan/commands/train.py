"""`bartizan train`."""

import re
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from bartizan.commands import addresses
from bartizan.commands.console import terminal
from bartizan.commands.references import dataset_version
from bartizan.errors import BartizanError
from bartizan.settings import Settings, from_process

_LONGEST_NAME = 64
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


@click.command(
    epilog="""\b
Examples:
  bartizan train prompts.csv --licence CC-BY-4.0 --source "our help desk"
  bartizan train prompts.csv --columns "prompt:text,is_jailbreak:label,notes:"
  bartizan train --dataset prompts:3 --set regularisation=3 --detach
"""
)
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME:VERSION",
    help="Train on this dataset as well, or without a FILE on it alone.",
)
@click.option("--name", help="The dataset's name; otherwise the file's.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), help="The file's."
)
@click.option("--licence", help="Under which the rows may be used.")
@click.option("--source", help="Where rows come from that do not say so themselves.")
@click.option("--columns", help="column:field pairs; an empty field leaves the column out.")
@click.option("--model", default="detector", show_default=True, help="What to make a version of.")
@click.option("--trainer", default="linear", show_default=True)
@click.option("--set", "parameters", multiple=True, metavar="NAME=VALUE", help="For the trainer.")
@click.option("--seed", default=1, show_default=True, help="Same data, same seed: same model.")
@click.option("--suite", "suites", multiple=True, help="Evaluate on this suite; otherwise on all.")
@click.option("--follow/--detach", default=True, help="Wait for the training, or only queue it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
def train(
    file: Path | None,
    datasets: tuple[str, ...],
    name: str | None,
    form: str | None,
    licence: str | None,
    source: str | None,
    columns: str | None,
    model: str,
    trainer: str,
    parameters: tuple[str, ...],
    seed: int,
    suites: tuple[str, ...],
    *,
    follow: bool,
    as_json: bool,
) -> int:
    """Train a model on a FILE of labelled prompts.

    Says how the new version compares with the champion, and where.

    The file (CSV, JSON Lines or Parquet with `text` and `label`) becomes a dataset version; bad
    rows are kept out and named. Ctrl-C ends the watching; the same command goes on where it was.

    Exit status: 0 when the version is registered (or queued, with --detach), 2 on an error.
    """
    if file is None and not datasets:
        raise click.UsageError("give a FILE, or a --dataset")
    order: dict[str, Any] = {
        "name": model,
        "datasets": [_dataset(each) for each in datasets],
        "trainer": trainer,
        "parameters": dict(_parameter(each) for each in parameters),
        "seed": seed,
    }
    if suites:
        order["suites"] = list(suites)
    wanted = {"name": name, "licence": licence, "source": source, "columns": columns}
    if file is not None:
        wanted |= {"name": name or _dataset_name(file), "format": form or _format(file)}
    given = {key: value for key, value in wanted.items() if value is not None}
    return _train(from_process(), file, given, order, follow=follow, as_json=as_json)


def _train(
    settings: Settings,
    file: Path | None,
    wanted: dict[str, str],
    order: dict[str, Any],
    *,
    follow: bool,
    as_json: bool,
) -> int:
    # Its HTTP client takes long to import, and no other command needs it.
    from bartizan.gateway import training
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.training_report import show_import, show_version

    console = terminal(stderr=as_json)
    told: dict[str, Any] = {}
    with open_gateway(settings) as gateway:
        if file is not None:
            imported = training.bring(gateway, file, wanted, console).result or {}
            reference = {"name": imported["dataset"], "version": imported["version"]}
            order["datasets"].insert(0, reference)
            dataset, report = training.dataset(gateway, **reference)
            show_import(console, dataset, report)
            told |= {"dataset": dataset, "import_report": report}
        job = training.begin_training(gateway, order)
        told["job"] = job.id
        if follow:
            job = training.wait_for(gateway, job.id, "training", console)
            told |= {"result": job.result}
            made, comparison = training.made(gateway, order["name"], job)
            show_version(console, order["name"], made, comparison)
            addresses.show_mlflow(console, settings)
        else:
            _say_queued(console, job.id)
    if as_json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    return 0


def _say_queued(console: Console, job_id: str) -> None:
    console.print(f"The training is queued as job {job_id}.", highlight=False)


def _dataset(text: str) -> dict[str, Any]:
    name, version = dataset_version(text, "--dataset")
    return {"name": name, "version": version}


def _parameter(text: str) -> tuple[str, Any]:
    """A value is JSON where it can be read as such, and else the text itself."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _dataset_name(file: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    if not name:
        raise BartizanError(f"{file.name} makes no name of a dataset: give one with --name")
    return name


def _format(file: Path) -> str:
    from bartizan.gateway.uploading import FORMATS

    try:
        return FORMATS[file.suffix.lower()]
    except KeyError:
        if file.suffix.lower() in _PACKED:
            raise BartizanError(f"{file.name} is compressed: unpack it first") from None
        raise BartizanError(
            f"{file.name} does not tell its format: give it with --format"
        ) from None
