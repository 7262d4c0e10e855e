"""Bringing the database's schema up to this release."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_FOLDER = Path(__file__).parent.parent / "migrations"
# Any constant will do: it keeps two `migrate` runs apart.
_LOCK = 0x62617274_0001


def migrations() -> Config:
    """Alembic's configuration for this service's migrations."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


def migrate(url: str, password: str | None) -> None:
    """Run what has not run yet, as the owner of the database. Raises SQLAlchemyError, OSError."""
    asyncio.run(_migrate(url, password))


async def _migrate(url: str, password: str | None) -> None:
    address = make_url(url).set(drivername="postgresql+asyncpg", password=password)
    engine = create_async_engine(address, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
