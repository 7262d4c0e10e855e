"""The guard as a program: `serve`, `migrate`, `relay`, `judge`, `bundle verify`, `bundle export`,
`openapi`.

Each command imports what it needs and no more: `judge` is to start at once.
"""

import os
import signal
import sys
from pathlib import Path

import click

from model_api.settings import PREFIX, VARIABLES, Settings, SettingsInvalid, read

VERSION = (Path(__file__).parent / "VERSION").read_text().strip()


class Failed(click.ClickException):
    """An operational failure: one line on standard error, exit status 1."""

    def show(self, file: object = None) -> None:
        """Print the line."""
        click.echo(f"model_api: {self.format_message()}", err=True)


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
@click.version_option(VERSION, prog_name="model_api")
def cli() -> None:
    """The guard: judges prompts for injection and jailbreaks."""


@cli.command(epilog=_variables())
def serve() -> None:
    """Serve the API, and metrics and probes on the ops port. Needs nothing else to run."""
    # Until there is an event loop to stop, nothing is lost by leaving at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    import uvloop

    from model_api.utils.structured_logging import configure
    from model_api.wiring.serving import serve_until_stopped
    from model_api.wiring.startup import REFUSALS

    settings = _settings()
    configure(settings.log_level)
    try:
        uvloop.run(serve_until_stopped(settings, VERSION))
    except REFUSALS as error:
        raise Failed(str(error)) from None


@cli.command()
def migrate() -> None:
    """Bring the database up to date, as its owner."""
    import asyncio

    from model_api.adapters.key_files import KeyFileInvalid, read_secret
    from model_api.adapters.migrations import MigrationFailed
    from model_api.adapters.migrations import migrate as apply

    settings = _settings()
    if settings.migration_database_url is None:
        raise Failed(f"set {PREFIX}MIGRATION_DATABASE_URL to the database, with its owner as user")
    try:
        password = read_secret(settings.migration_database_password_file)
        asyncio.run(apply(settings.migration_database_url, password))
    except (MigrationFailed, KeyFileInvalid) as error:
        raise Failed(str(error)) from None


@cli.command()
def relay() -> None:
    """Publish recorded events on Redis Streams until stopped."""
    import uvloop

    from model_api.adapters.key_files import KeyFileInvalid
    from model_api.server import PortUnavailable
    from model_api.utils.structured_logging import configure
    from model_api.wiring.relaying import relay_until_stopped

    settings = _settings()
    if settings.database_url is None or settings.redis_url is None:
        raise Failed(f"set {PREFIX}DATABASE_URL and {PREFIX}REDIS_URL: relay needs both")
    configure(settings.log_level)
    try:
        uvloop.run(
            relay_until_stopped(settings, settings.database_url, settings.redis_url, VERSION)
        )
    except (KeyFileInvalid, PortUnavailable) as error:
        raise Failed(str(error)) from None


@cli.command()
def judge() -> None:
    """Judge JSON lines `{"id"?, "text"}` from standard input; one JSON object a line comes out.

    By the built-in policy, with neither database nor network.
    """
    from model_api.adapters.bundles.files import load_bundle
    from model_api.api.predictions.judge_lines import run
    from model_api.domain.bundle import BundleRefused
    from model_api.domain.judging.policy import DEFAULT_POLICY

    try:
        detector = load_bundle(_settings().bundle)
    except BundleRefused as error:
        raise Failed(f"the model bundle was refused: {error}") from None
    try:
        run(sys.stdin.buffer, sys.stdout.buffer, detector, DEFAULT_POLICY)
    except BrokenPipeError:
        # Whoever reads has seen enough; the interpreter must not flush into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cli.command()
def health() -> None:
    """Ask the service that serves on this machine whether it is ready; exit status 0 or 1."""
    from http.client import HTTPConnection, HTTPException

    settings = _settings()
    host, port = settings.own_host, settings.ops_port
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        click.echo(answer.read())
    except (OSError, HTTPException) as error:
        raise Failed(f"nothing answers on {host} port {port}: {error}") from None
    if answer.status != 200:
        raise Failed("not ready")


@cli.group()
def bundle() -> None:
    """Model bundles."""


@bundle.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Check the digests of a bundle and run its self-test."""
    from model_api.adapters.bundles.files import load_bundle
    from model_api.domain.bundle import BundleRefused

    try:
        detector = load_bundle(path)
    except BundleRefused as error:
        raise Failed(f"refused: {error}") from None
    click.echo(f"{detector.name} {detector.version} {detector.digest}: sound")


@bundle.command()
@click.argument("directory", type=click.Path(path_type=Path))
def export(directory: Path) -> None:
    """Write the packaged bundle to a new folder, for whoever registers it.

    That is the bundle that answers where nothing was deployed: MODEL_API_BUNDLE, or the one
    shipped. Prints its name, version and digest as JSON.
    """
    import json

    from model_api.adapters.bundles.files import export_bundle
    from model_api.domain.bundle import BundleRefused

    try:
        detector = export_bundle(_settings().bundle, directory)
    except BundleRefused as error:
        raise Failed(f"refused: {error}") from None
    except OSError as error:
        raise Failed(f"{directory}: cannot be written: {error.strerror}") from None
    facts = {"name": detector.name, "version": detector.version, "digest": detector.digest}
    click.echo(json.dumps(facts))


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from model_api.app import describe

    click.echo(describe(VERSION), nl=False)


if __name__ == "__main__":
    cli()
