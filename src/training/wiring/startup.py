"""Opens what outlives requests and jobs, and says in the log what the service does without."""

import logging
from contextlib import AsyncExitStack

from training.adapters import schema
from training.adapters.bundles.platform_key import PlatformKeyInvalid
from training.adapters.failures import DatabaseUnavailable
from training.adapters.key_files import KeyFileInvalid, read_secret
from training.adapters.object_store import ObjectStoreAddress
from training.adapters.postgres import Database
from training.adapters.schema import SchemaBehind
from training.api.health import Health
from training.server import PortUnavailable
from training.settings import PREFIX, Settings, SettingsInvalid

REFUSALS = (
    KeyFileInvalid,
    PlatformKeyInvalid,
    PortUnavailable,
    SchemaBehind,
    SettingsInvalid,
)
"""Why the service does not start; each says in one line what is wrong."""

log = logging.getLogger(__name__)


def database_of(
    settings: Settings, application_name: str = "training", *, timeout_s: float = 2.0
) -> Database:
    """The database, not yet opened; SettingsInvalid, KeyFileInvalid."""
    if settings.database_url is None:
        raise SettingsInvalid(
            f"{PREFIX}DATABASE_URL is needed: all that the service knows is in its database"
        )
    return Database(
        settings.database_url,
        read_secret(settings.database_password_file),
        application_name=application_name,
        timeout_s=timeout_s,
    )


async def open_database(database: Database, stack: AsyncExitStack, health: Health) -> None:
    """Open the database, migrated; SchemaBehind. One that is away may come later."""
    await stack.enter_async_context(database)
    health.watch("database", lambda: availability(database.is_available))
    health.need(lambda: database.is_available)
    try:
        async with database.connection() as connection:
            await schema.check(connection)
    except DatabaseUnavailable as error:
        log.warning("the database cannot be reached yet", extra={"reason": str(error)})


def bucket(settings: Settings, name: str) -> ObjectStoreAddress:
    """A bucket of the object store; KeyFileInvalid."""
    return ObjectStoreAddress(
        bucket=name,
        url=settings.s3_url,
        region=settings.s3_region,
        access_key=read_secret(settings.s3_access_key_file),
        secret_key=read_secret(settings.s3_secret_key_file),
    )


def availability(available: bool) -> str:
    """In the words of the health summary."""
    return "available" if available else "unavailable"
