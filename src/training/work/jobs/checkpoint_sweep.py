"""Deletes checkpoints that nobody will ask for: ``CheckpointSweep(database, objects).run()``."""

import logging
from datetime import timedelta
from uuid import UUID

from training.adapters.jobs import checkpoints as job_checkpoints
from training.adapters.object_store import ObjectStore, StoreUnavailable
from training.adapters.postgres import Database

KEPT_FOR = timedelta(days=7)
"""How long a job that ended without success can be retried from where it was."""

log = logging.getLogger(__name__)


class CheckpointSweep:
    """First the objects, then the rows that lead to them: nothing is left without a name."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def run(self) -> None:
        """Delete what is of no use by now; DatabaseUnavailable."""
        async with self._database.connection() as connection:
            jobs = await job_checkpoints.of_no_use(connection, KEPT_FOR)
        for job_id in jobs:
            try:
                await self._delete(job_id)
            except StoreUnavailable as error:
                log.warning("checkpoints not deleted yet", extra={"reason": str(error)})
                return

    async def _delete(self, job_id: UUID) -> None:
        for key in await self._objects.list(job_checkpoints.prefix_of(job_id)):
            await self._objects.delete(key)
        async with self._database.connection() as connection:
            await job_checkpoints.forget(connection, job_id)
