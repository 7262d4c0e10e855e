"""Models, versions, histories and rollouts, to read: ``ModelStore(database)``."""

from uuid import UUID

from training.adapters.lifecycle import event_store
from training.adapters.lifecycle import projection as model_projection
from training.adapters.postgres import Database
from training.adapters.rollout import store as rollout_store
from training.domain.lifecycle.chain import ChainedEvent
from training.domain.lifecycle.model import MAX_VERSION
from training.domain.lifecycle.projection import ModelRow, PromotionPolicy, VersionRow
from training.domain.rollout.rollout import Rollout


class ModelStore:
    """All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: str, *, limit: int, after: str = "") -> list[ModelRow]:
        """Up to `limit` models by name, from beyond `after`."""
        async with self._database.connection() as connection:
            return await model_projection.list_models(connection, tenant, limit=limit, after=after)

    async def model(self, tenant: str, name: str) -> ModelRow | None:
        """The tenant's model of this name."""
        async with self._database.connection() as connection:
            return await model_projection.find_model(connection, tenant, name)

    async def policy(self, tenant: str, name: str) -> PromotionPolicy | None:
        """The promotion policy of the tenant's model."""
        async with self._database.connection() as connection:
            return await model_projection.find_policy(connection, tenant, name)

    async def versions(
        self, tenant: str, name: str, *, limit: int, before: int | None = None
    ) -> list[VersionRow]:
        """Up to `limit` versions, the newest first, older than `before`."""
        async with self._database.connection() as connection:
            return await model_projection.list_versions(
                connection, tenant, name, limit=limit, before=before
            )

    async def version(self, tenant: str, name: str, version: int) -> VersionRow | None:
        """A version of the tenant's model."""
        if not 0 < version <= MAX_VERSION:
            return None
        async with self._database.connection() as connection:
            return await model_projection.find_version(connection, tenant, name, version)

    async def history(
        self, tenant: str, name: str, version: int, *, limit: int, after: int = 0
    ) -> list[ChainedEvent]:
        """Up to `limit` events of a version, the oldest first, from beyond a position."""
        if not 0 < version <= MAX_VERSION:
            return []
        async with self._database.connection() as connection:
            return await event_store.read_history(
                connection, tenant, name, version, limit=limit, after=after
            )

    async def rollout(self, tenant: str, name: str, rollout_id: UUID) -> Rollout | None:
        """A rollout of the tenant's model."""
        async with self._database.connection() as connection:
            return await rollout_store.find(connection, tenant, name, rollout_id)

    async def rollouts(
        self, tenant: str, name: str, *, limit: int, before: UUID | None = None
    ) -> list[Rollout]:
        """Up to `limit` rollouts, the newest first, older than `before`."""
        async with self._database.connection() as connection:
            return await rollout_store.page(connection, tenant, name, limit=limit, before=before)
