"""Ends uploads that nobody goes on with, and removes objects that are nobody's any more."""

import asyncio
import logging

from training.adapters.datasets import doomed_objects
from training.adapters.datasets import uploads as dataset_uploads
from training.adapters.datasets.doomed_objects import Objects
from training.adapters.failures import DatabaseUnavailable
from training.adapters.object_store import StoreUnavailable
from training.adapters.postgres import Database

_EVERY_S = 30.0

log = logging.getLogger(__name__)


async def tidy_datasets(database: Database, objects: Objects) -> None:
    """Do all that is due. DatabaseUnavailable, StoreUnavailable."""
    while True:
        async with database.transaction() as connection:
            expired = await dataset_uploads.expire(connection)
        if expired == 0:
            break
        log.info("uploads have expired", extra={"uploads": expired})
    while await doomed_objects.sweep(database, objects):
        pass


async def keep_datasets(database: Database, objects: Objects, stop: asyncio.Event) -> None:
    """Tidy up every half a minute; what cannot be done now is done another time."""
    while not stop.is_set():
        try:
            await tidy_datasets(database, objects)
        except (DatabaseUnavailable, StoreUnavailable) as error:
            log.warning("datasets are not tidied up", extra={"reason": str(error)})
        try:
            async with asyncio.timeout(_EVERY_S):
                await stop.wait()
        except TimeoutError:
            continue
