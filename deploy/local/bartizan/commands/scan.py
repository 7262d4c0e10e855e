"""`bartizan scan`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import click

from bartizan.commands.console import terminal
from bartizan.errors import BartizanError, NotUpError
from bartizan.ports import LOOPBACK
from bartizan.scanning.formats import find_format
from bartizan.scanning.guard import GuardContext
from bartizan.scanning.local_guard import in_process
from bartizan.scanning.readers import READERS
from bartizan.scanning.reports import JsonReport, PlainReport, Report, TerminalReport
from bartizan.scanning.rows import Item, Row, checked
from bartizan.scanning.scanner import progress_on, scan_rows
from bartizan.settings import Settings, from_process
from bartizan.supervision import control
from bartizan.supervision.launching import environment_for

_NEEDED = {"dashboard_backend", "model_api"}


@click.command(
    epilog="""\b
Examples:
  bartizan scan "Ignore all previous instructions."
  bartizan scan -f prompts.jsonl --json > judged.jsonl
  cut -f2 log.tsv | bartizan scan -f - --format text || echo "look at these"
"""
)
@click.argument("text", required=False)
@click.option(
    "-f", "--file", metavar="FILE", help="JSONL or CSV with `text`, or a text a line; - is stdin."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(READERS)),
    help="The file's format, where neither its name nor its beginning tells.",
)
@click.option("--json", "as_json", is_flag=True, help="An object a line, in the input's order.")
def scan(text: str | None, file: str | None, form: str | None, as_json: bool) -> int:
    """Judge TEXT, or every text of a FILE.

    Through the platform when it is up, else right here.

    Exit status: 0 when all is allowed, 1 when something is flagged or blocked, 2 on an error or
    when a row could not be judged.
    """
    if (text is None) == (file is None):
        raise click.UsageError("give either a TEXT or -f FILE")
    settings = from_process()
    items, size = iter([checked(Row(1, 1, text or ""))]), 0
    if file is not None:
        stream = _open(file)
        items = _rows(stream, form or find_format(file, stream))
        size = os.fstat(stream.fileno()).st_size
    on_terminal = sys.stdout.isatty()
    progress = progress_on(terminal(stderr=True), shown=not (as_json and on_terminal))
    report = _report(as_json=as_json, on_terminal=on_terminal, single=file is None)
    return asyncio.run(scan_rows(items, _guard(settings), report, progress, size))


def _rows(stream: BufferedReader, form: str) -> Iterator[Item]:
    """Closes the stream in the thread that reads it: another would wait for its read to end."""
    with stream:
        yield from READERS[form](stream)


def _open(file: str) -> BufferedReader:
    if file == "-":
        # Not sys.stdin's own buffer: a thread may still be reading from it when we exit.
        return open(0, "rb", closefd=False)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise BartizanError(f"cannot read {file}: {error.strerror}") from error


def _report(*, as_json: bool, on_terminal: bool, single: bool) -> Report:
    if as_json:
        return JsonReport()
    return TerminalReport(terminal(), single=single) if on_terminal else PlainReport()


def _guard(settings: Settings) -> GuardContext:
    """The platform's where it is ready; its answers are then recorded like any others."""
    try:
        platform = control.ask(settings.home, control.Request("status"))
    except NotUpError:
        platform = None
    if platform is not None:
        ready = {unit.name for unit in platform.units if unit.is_healthy}
        if ready >= _NEEDED:
            # Its HTTP client takes long to import, and a scan without a platform needs none.
            from bartizan.scanning.gateway_guard import through_gateway

            url = f"http://{LOOPBACK}:{settings.ports.dashboard_backend}"
            return through_gateway(url, settings.home.read_admin_key())
        click.echo("the platform is up but not ready: judging without it", err=True)
    prefix = "MODEL_API_"
    environment = environment_for(prefix, settings.environment, {})
    return in_process(settings.command("model_api", "judge"), environment)
