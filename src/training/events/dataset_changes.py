"""The deletion of a dataset version, with its audit entry and its event, or none of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from training.adapters import outbox_table
from training.adapters.audit_log import audit
from training.adapters.datasets import store as dataset_store
from training.adapters.postgres import Connection, Database
from training.domain.datasets.deletion import DatasetInUse, DatasetUnknown
from training.domain.datasets.version import DatasetVersion, Tombstone
from training.domain.identity import Changer
from training.events.dataset_facts import dataset_deleted

type Users = Callable[[Connection, DatasetVersion], Awaitable[Sequence[str]]]
"""What rests on a version, in words such as `model detector 3` or `suite everyday`."""


class DatasetChanges:
    """One transaction a change; DatabaseUnavailable. `users` are asked before a deletion."""

    def __init__(self, database: Database, users: Sequence[Users] = ()) -> None:
        self._database = database
        self._users = users

    async def delete(
        self, changer: Changer, name: str, version: int, reason: str, *, force: bool
    ) -> DatasetVersion:
        """Delete a version's rows; deleting them again changes nothing.

        DatasetUnknown; DatasetInUse where something rests on it, unless forced.
        """
        async with self._database.transaction() as connection:
            found = await dataset_store.lock(connection, changer.tenant, name, version)
            if found is None:
                raise DatasetUnknown
            if found.deleted is not None:
                return found
            users = [user for ask in self._users for user in await ask(connection, found)]
            if users and not force:
                raise DatasetInUse(users)
            tombstone = Tombstone(datetime.now(UTC), changer.actor, reason)
            await dataset_store.bury(connection, found, tombstone)
            await outbox_table.append(connection, dataset_deleted(found, changer.actor))
            details = {"version": version, "reason": reason, "forced": bool(users)}
            await audit(connection, changer, "dataset.deleted", name, details)
            buried = await dataset_store.find(connection, changer.tenant, name, version)
            return buried or found
