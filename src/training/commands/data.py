"""`data`: public sets, and the feedback of the guard, from the command line."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from uuid import UUID

import click
import msgspec

from training.domain.datasets.feedback import MAX_PREDICTIONS
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.names import is_dataset_name
from training.domain.datasets.public_sets import (
    PUBLIC_SETS,
    PublicSet,
    missing_columns,
    rows_of,
)
from training.domain.identity import Changer
from training.settings import SettingsInvalid, read
from training.wiring.failing import Failed

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHUNK_BYTES = 1 << 20
ACTOR = "operator"


@click.group()
def data() -> None:
    """Datasets, from the command line."""


@data.command("public-sets")
def public_sets() -> None:
    """The public sets that are known, their licences, and where they are published."""
    for each in PUBLIC_SETS.values():
        click.echo(f"{each.name:<10} {each.licence:<11} {each.published_at}")
        if each.note:
            click.echo(f"{'':<10} {each.note}")


@data.command("import-public")
@click.argument("public_set", metavar="SET", type=click.Choice(sorted(PUBLIC_SETS)))
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=_FILE)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Only write the rows as JSON Lines, to a file or to - .",
)
@click.option("--name", help="The dataset; the set's own name where left out.")
@click.option("--tenant", help="Whose dataset; the platform's own tenant where left out.")
@click.option(
    "--purpose",
    type=click.Choice(["training", "evaluation"]),
    default="training",
    show_default=True,
)
def import_public(
    public_set: str,
    files: tuple[Path, ...],
    output: Path | None,
    name: str | None,
    tenant: str | None,
    purpose: str,
) -> None:
    """Import a public set from files as its authors publish them.

    A job makes the dataset version; its id is printed. The row numbers of its report count the
    records of the files, in their order.
    """
    known = PUBLIC_SETS[public_set]
    try:
        if output is not None:
            with click.open_file(str(output), "wb") as file:
                for line in _lines(known, files):
                    file.write(line)
            return
        job_id = _send(known, files, name or public_set, tenant, purpose)
    except FileInvalid as error:
        raise Failed(str(error)) from None
    click.echo(f"job {job_id}")


@data.command("import-feedback")
@click.option(
    "--since",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Feedback from this moment on, in UTC.",
)
@click.option("--name", default="feedback", show_default=True, help="The dataset.")
@click.option("--tenant", help="Whose feedback; of the platform's own tenant where left out.")
@click.option("--licence", default="unstated", show_default=True, help="That of the texts.")
@click.option(
    "--predictions",
    type=click.IntRange(1, MAX_PREDICTIONS),
    default=10_000,
    show_default=True,
    help="How many predictions at most, the oldest first.",
)
@click.option("--key", help="The same key goes on with an import that was interrupted.")
def import_feedback(
    since: datetime,
    name: str,
    tenant: str | None,
    licence: str,
    predictions: int,
    key: str | None,
) -> None:
    """Import what people said of the guard's predictions, where their texts were stored.

    A job makes the dataset version; its id is printed. The service itself must run: the guard
    asks it for the keys that this command signs with.
    """
    _check_name(name)
    from training.adapters.failures import DatabaseUnavailable
    from training.adapters.idempotency import IdempotencyConflict
    from training.adapters.object_store import StoreUnavailable
    from training.domain.datasets.feedback import GuardUnavailable, NoFeedback
    from training.domain.datasets.files import FileFormat
    from training.domain.datasets.version import ImportRequest
    from training.wiring.datasets import read_feedback
    from training.wiring.startup import REFUSALS

    try:
        settings = read(os.environ)
        changer = Changer(tenant or settings.platform_tenant, ACTOR, idempotency_key=key)
        request = ImportRequest(name, FileFormat.JSONL, name, licence)
        moment = since.replace(tzinfo=UTC)
        job_id = asyncio.run(read_feedback(settings, changer, request, moment, predictions))
    except IdempotencyConflict:
        raise Failed("another import was asked for under this key") from None
    except (
        SettingsInvalid, DatabaseUnavailable, StoreUnavailable, GuardUnavailable, NoFeedback,
        *REFUSALS,
    ) as error:  # fmt: skip
        raise Failed(str(error)) from None
    click.echo(f"job {job_id}")


def _lines(known: PublicSet, files: tuple[Path, ...]) -> Iterator[bytes]:
    from training.adapters.datasets.public_files import read_records

    for path in files:
        records = read_records(path)
        first = next(records, None)
        if first is None:
            continue
        missing = missing_columns(known, first)
        if missing:
            lacks = " or ".join(column or "text by category" for column in missing)
            raise FileInvalid(f"{path.name}: it has no {lacks}, as files of {known.name} have")
        for row in rows_of(known, chain([first], records)):
            yield msgspec.json.encode(row) + b"\n"


def _send(
    known: PublicSet, files: tuple[Path, ...], name: str, tenant: str | None, purpose: str
) -> UUID:
    _check_name(name)
    from training.adapters.failures import DatabaseUnavailable
    from training.adapters.object_store import StoreUnavailable
    from training.domain.datasets.files import FileFormat
    from training.domain.datasets.version import ImportRequest, Purpose
    from training.wiring.datasets import send_file
    from training.wiring.startup import REFUSALS

    try:
        settings = read(os.environ)
        request = ImportRequest(
            name, FileFormat.JSONL, known.name, known.licence, purpose=Purpose(purpose)
        )
        body = _chunks(known, files)
        return asyncio.run(send_file(settings, tenant, ACTOR, request, body))
    except (SettingsInvalid, DatabaseUnavailable, StoreUnavailable, *REFUSALS) as error:
        raise Failed(str(error)) from None


def _check_name(name: str) -> None:
    if not is_dataset_name(name):
        raise Failed(f"{name} cannot be the name of a dataset: lower-case letters, digits, - and _")


async def _chunks(known: PublicSet, files: tuple[Path, ...]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    for line in _lines(known, files):
        waiting += line
        if len(waiting) >= _CHUNK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
