"""The training service as a program: `serve`, `worker`, `migrate`, `openapi`, and offline work.

Each command imports what it needs and no more: what trains costs seconds and hundreds of megabytes.
"""

import os
import sys
from collections.abc import Coroutine
from pathlib import Path

import click

from training.commands import data, offline, registry
from training.settings import PREFIX, VARIABLES, Settings, SettingsInvalid, read
from training.wiring.failing import Failed

VERSION = (Path(__file__).parent / "VERSION").read_text().strip()


def _settings() -> Settings:
    try:
        return read(os.environ)
    except SettingsInvalid as error:
        raise Failed(str(error)) from None


def _variables() -> str:
    lines = ["\b", "Environment:"]
    for variable in VARIABLES:
        default = f" [{variable.default}]" if variable.default else ""
        lines.append(f"  {PREFIX}{variable.name}\n      {variable.help}{default}")
    lines.append("  OTEL_EXPORTER_OTLP_ENDPOINT\n      collector of traces; none without it")
    return "\n".join(lines)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="training")
def cli() -> None:
    """Datasets, training jobs, and the life of each model."""


cli.add_command(offline.train)
cli.add_command(offline.evaluate)
cli.add_command(registry.register)
cli.add_command(registry.registry)
cli.add_command(data.data)


def _run(process: Coroutine[None, None, None]) -> None:
    import uvloop

    from training.wiring.startup import REFUSALS

    try:
        uvloop.run(process)
    except REFUSALS as error:
        raise Failed(str(error)) from None


@cli.command(epilog=_variables())
def serve() -> None:
    """Serve the API, and metrics and probes on the ops port; publish events."""
    from training.utils.structured_logging import configure
    from training.wiring.serving import serve_until_stopped

    settings = _settings()
    configure(settings.log_level)
    _run(serve_until_stopped(settings, VERSION))


@cli.command(epilog=_variables())
def worker() -> None:
    """Take jobs from the queue, each into a process of its own, until stopped."""
    from training.utils.structured_logging import configure
    from training.wiring.working import work_until_stopped

    settings = _settings()
    configure(settings.log_level)
    _run(work_until_stopped(settings, VERSION))


@cli.command()
def migrate() -> None:
    """Bring the database up to date, as its owner."""
    import asyncio

    from training.adapters.key_files import KeyFileInvalid, read_secret
    from training.adapters.migrations import MigrationFailed
    from training.adapters.migrations import migrate as apply

    settings = _settings()
    if settings.migration_database_url is None:
        raise Failed(f"set {PREFIX}MIGRATION_DATABASE_URL to the database, with its owner as user")
    try:
        password = read_secret(settings.migration_database_password_file)
        asyncio.run(apply(settings.migration_database_url, password))
    except (MigrationFailed, KeyFileInvalid) as error:
        raise Failed(str(error)) from None


@cli.command(hidden=True)
@click.argument("descriptor", type=int)
def job_process(descriptor: int) -> None:
    """Be the process of one job: started by a worker, which the descriptor leads to."""
    from training.wiring.startup import REFUSALS
    from training.work.jobs.verdicts import CANNOT_BEGIN
    from training.worker_app import do_job

    try:
        do_job(_settings(), descriptor)
    except REFUSALS as error:
        click.echo(f"training: a job's process cannot begin: {error}", err=True)
        sys.exit(CANNOT_BEGIN)


@cli.command()
@click.option("--worker", is_flag=True, help="Ask the worker instead.")
def health(worker: bool) -> None:
    """Ask the service that serves on this machine whether it is ready; exit status 0 or 1."""
    from http.client import HTTPConnection, HTTPException

    settings = _settings()
    host, port = settings.own_host, settings.worker_ops_port if worker else settings.ops_port
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        click.echo(answer.read())
    except (OSError, HTTPException) as error:
        raise Failed(f"nothing answers on {host} port {port}: {error}") from None
    if answer.status != 200:
        raise Failed("not ready")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from training.app import describe

    click.echo(describe(VERSION), nl=False)


def main() -> None:
    """Run a command."""
    cli(prog_name="training")


if __name__ == "__main__":
    main()
