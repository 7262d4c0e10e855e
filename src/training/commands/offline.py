"""`train linear` and `evaluate`: on files alone, with neither database nor network."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from training.domain.bundle.release import MAX_NAME_LENGTH, NAME_PATTERN
from training.wiring.failing import Failed

_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SEMANTIC_VERSION = r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?"


class _Progress:
    """Says on stderr what is being done, and after how many seconds it began."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, what: str) -> None:
        elapsed = time.monotonic() - self._started
        click.echo(f"[{elapsed:6.1f} s] {what}", err=True)


@contextmanager
def _failing_in_one_line() -> Iterator[None]:
    from training.adapters.bundles.reader import BundleUnreadable
    from training.adapters.datasets.labelled_files import DataInvalid

    try:
        yield
    except (DataInvalid, BundleUnreadable, ValueError, OSError) as error:
        raise Failed(str(error)) from error


@click.group()
def train() -> None:
    """Train a detector into a model bundle."""


def _parse_version(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(_SEMANTIC_VERSION, value):
        raise click.BadParameter("must be a semantic version such as 1.2.3")
    return value


def _parse_licences(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if not all(source and licence for source, _, licence in pairs):
        raise click.BadParameter("must be SOURCE=LICENCE")
    return {source: licence for source, _, licence in pairs}


def _parse_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if len(value) > MAX_NAME_LENGTH or not re.fullmatch(NAME_PATTERN, value):
        raise click.BadParameter("must be lower-case letters and digits, with single -, _ or .")
    return value


def _parse_created_at(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> str:
    try:
        if value is not None:
            moment = datetime.fromisoformat(value)
        elif "SOURCE_DATE_EPOCH" in os.environ:
            moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
        else:
            moment = datetime.now(UTC)
    except ValueError as error:
        raise click.BadParameter(f"not a moment in time: {error}") from error
    if moment.tzinfo is None:
        raise click.BadParameter("needs a time zone, such as 2026-01-31T12:00:00Z")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@train.command()
@click.option("--data", type=_EXISTING_FILE, multiple=True, required=True, help="Training rows.")
@click.option("--dev", type=_EXISTING_FILE, multiple=True, help="Rows that are only scored.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option("--version", callback=_parse_version, required=True, help="The bundle's version.")
@click.option(
    "--created-at",
    callback=_parse_created_at,
    help="RFC 3339; otherwise SOURCE_DATE_EPOCH, otherwise now. It is part of the digest.",
)
@click.option(
    "--name",
    callback=_parse_name,
    default="detector",
    show_default=True,
    help="The model, which the bundle is of for good: its name is signed with it.",
)
@click.option("--model-licence", default="Apache-2.0", show_default=True)
@click.option(
    "--licence",
    "licences",
    multiple=True,
    callback=_parse_licences,
    metavar="SOURCE=LICENCE",
    help="The licence of a source of rows that is not known yet.",
)
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True)
def linear(
    data: tuple[Path, ...],
    dev: tuple[Path, ...],
    output: Path,
    seed: int,
    version: str,
    created_at: str,
    name: str,
    model_licence: str,
    licences: dict[str, str],
    folds: int,
) -> None:
    """Train a linear detector over hashed n-grams. Same data and options, same digest.

    Give --data, --dev and --licence as often as needed."""
    from training.domain.bundle.contents import json_bytes
    from training.domain.bundle.release import Release
    from training.domain.linear.configuration import LinearConfiguration
    from training.wiring import offline

    with _failing_in_one_line():
        digest, metrics = offline.train(
            data,
            dev,
            output,
            Release(version, created_at, model_licence, name),
            LinearConfiguration(seed=seed, folds=folds),
            licences,
            _Progress(),
        )
    click.echo(json_bytes({"bundle": str(output), "digest": digest, "metrics": metrics}), nl=False)


@click.command()
@click.option(
    "--bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True
)
@click.option("--data", type=_EXISTING_FILE, multiple=True, required=True, help="Labelled rows.")
def evaluate(bundle: Path, data: tuple[Path, ...]) -> None:
    """Score labelled files with a bundle; JSON on stdout. Give --data as often as needed."""
    from training.domain.bundle.contents import json_bytes
    from training.wiring import offline

    with _failing_in_one_line():
        measured = offline.evaluate_bundle(bundle, data)
    click.echo(json_bytes(measured), nl=False)
