"""The service's command line: serve, migrate, openapi, rotate-signing-key."""

import os
import sys

import asyncpg
import click
import uvloop

from dashboard_backend import server
from dashboard_backend.adapters.signing_key import (
    SigningKeyError,
    load_signing_keys,
    rotate_signing_key,
)
from dashboard_backend.app import VERSION, build, openapi_document
from dashboard_backend.settings import Settings, SettingsError, read_settings, settings_help
from dashboard_backend.utils.structured_logging import configure_logging


class _Command(click.Command):
    """A command whose help ends with the list of settings, kept as it is laid out."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        formatter.write(f"\nEnvironment:\n{settings_help()}\n")


def _settings() -> Settings:
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="dashboard_backend")
def main() -> None:
    """The gateway of Bartizan: API keys, rate limits, and the way to the services."""


@main.command(cls=_Command)
def serve() -> None:
    """Answer on the API port and the ops port until SIGTERM."""
    settings = _settings()
    configure_logging("dashboard_backend", settings.log_level)
    try:
        service = build(settings)
        uvloop.run(
            server.serve(
                service,
                settings.host,
                settings.port,
                settings.ops_port_or_default,
                settings.drain_seconds,
            )
        )
    except (SigningKeyError, server.ListenError) as error:
        raise click.ClickException(str(error)) from error


@main.command(cls=_Command)
def migrate() -> None:
    """Bring the database's schema up to this release."""
    # Here, because they take as long to import as all else, and only this command needs them.
    from sqlalchemy.exc import SQLAlchemyError

    from dashboard_backend.adapters.schema import migrate as run_migrations

    settings = _settings()
    url = settings.migration_database_url or settings.database_url
    password = (
        settings.migration_database_password_file
        if settings.migration_database_url
        else settings.database_password_file
    )
    try:
        run_migrations(url, password)
    except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise click.ClickException(
            f"the database cannot be migrated: {reason}; check that it runs and that "
            "DASHBOARD_BACKEND_MIGRATION_DATABASE_URL names its owner"
        ) from error


@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    sys.stdout.buffer.write(openapi_document())


@main.command("rotate-signing-key")
def rotate() -> None:
    """Sign with a new key after the next start; the former one stays published."""
    path = _settings().signing_key_path
    try:
        load_signing_keys(path)
        key = rotate_signing_key(path)
    except (SigningKeyError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{path} now signs as {key.kid}; restart the replicas one after another")


if __name__ == "__main__":
    main()
