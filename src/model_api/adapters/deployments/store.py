"""The desired deployment of each model, and what each replica has made of it.

Within a transaction ``put(connection, model, deployment, actor)``, or ``DeploymentStale``;
``DeploymentStore(database)``: ``get(model)``, ``replicas(model)``, ``report(...)``,
``leave(...)``.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from model_api.adapters.postgres import Connection, Database
from model_api.domain.deployments.deployment import Deployment, DeploymentStale
from model_api.domain.deployments.replica import ReplicaReport, VersionReport

CHANNEL = "model_api_deployments"

LIVE_FOR = timedelta(seconds=15)
"""A replica that was not heard of for longer counts as gone."""

_FORGOTTEN_AFTER = timedelta(days=1)


async def put(connection: Connection, model: str, deployment: Deployment, actor: str) -> bool:
    """Store a deployment of a later generation; whether it was not stored already.

    DeploymentStale where the stored one is of a later generation, or of the same with other
    content. Two who put at once are told apart by the row's lock.
    """
    changed = await connection.fetchval(
        "INSERT INTO deployments AS stored (model, generation, document, changed_by)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (model) DO UPDATE SET"
        " generation = EXCLUDED.generation, document = EXCLUDED.document,"
        " changed_by = EXCLUDED.changed_by, changed_at = now()"
        " WHERE stored.generation < EXCLUDED.generation RETURNING true",
        model,
        deployment.generation,
        msgspec.json.encode(deployment).decode(),
        actor,
    )
    if changed:
        await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
        return True
    stored = await _get(connection, model)
    if stored is None or stored != deployment:
        raise DeploymentStale(stored or deployment)
    return False


class DeploymentStore:
    """The deployments, to read, and the replicas' reports. All raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, model: str) -> Deployment | None:
        """The desired deployment, if there ever was one."""
        async with self._database.connection() as connection:
            return await _get(connection, model)

    async def replicas(self, model: str) -> list[ReplicaReport]:
        """The live replicas."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT replica_id, seen_at, generation, versions FROM deployment_replicas"
                " WHERE model = $1 AND seen_at > now() - $2::interval ORDER BY replica_id",
                model,
                LIVE_FOR,
            )
        return [
            ReplicaReport(
                row["replica_id"],
                row["seen_at"],
                row["generation"],
                msgspec.json.decode(row["versions"], type=tuple[VersionReport, ...]),
            )
            for row in rows
        ]

    async def report(
        self,
        model: str,
        replica_id: UUID,
        generation: int | None,
        versions: Sequence[VersionReport],
    ) -> None:
        """Say that a replica lives, and how it is; forget those that are long gone."""
        async with self._database.connection() as connection:
            await connection.execute(
                "WITH gone AS (DELETE FROM deployment_replicas"
                " WHERE seen_at < now() - $5::interval AND (model, replica_id) <> ($1, $2))"
                " INSERT INTO deployment_replicas"
                " (model, replica_id, seen_at, generation, versions)"
                " VALUES ($1, $2, clock_timestamp(), $3, $4) ON CONFLICT (model, replica_id)"
                " DO UPDATE SET seen_at = EXCLUDED.seen_at, generation = EXCLUDED.generation,"
                " versions = EXCLUDED.versions",
                model,
                replica_id,
                generation,
                msgspec.json.encode(versions).decode(),
                _FORGOTTEN_AFTER,
            )

    async def leave(self, model: str, replica_id: UUID) -> None:
        """Say that a replica stops."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM deployment_replicas WHERE model = $1 AND replica_id = $2",
                model,
                replica_id,
            )


async def _get(connection: Connection, model: str) -> Deployment | None:
    document = await connection.fetchval("SELECT document FROM deployments WHERE model = $1", model)
    return None if document is None else msgspec.json.decode(document, type=Deployment)
