"""What is read of models, kept beside their events and in the same transactions.

``update(connection, stream)``; ``find_model``, ``find_policy``, ``find_version``,
``list_models``, ``list_versions``; for a rebuild ``put_model``, ``put_version``, ``delete_model``.
"""

import asyncpg
import msgspec

from training.adapters.lifecycle.event_store import Stream
from training.adapters.postgres import Connection
from training.domain.lifecycle.chain import Head
from training.domain.lifecycle.model import Verdict, Version, VersionState
from training.domain.lifecycle.projection import (
    ModelRow,
    PromotionPolicy,
    VersionRow,
    project_model,
    project_version,
)

_PUT_MODEL = """
INSERT INTO models (
    tenant, name, position, hash, champion, fallback, latest, four_eyes, rollout, created_at,
    changed_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant, name) DO UPDATE SET
    position = EXCLUDED.position, hash = EXCLUDED.hash, champion = EXCLUDED.champion,
    fallback = EXCLUDED.fallback, latest = EXCLUDED.latest, four_eyes = EXCLUDED.four_eyes,
    rollout = EXCLUDED.rollout, changed_at = EXCLUDED.changed_at
"""
_PUT_VERSION = """
INSERT INTO model_versions (
    tenant, name, version, state, digest, location, signed_by, bundle_version, mlflow_run_id,
    verdict, evidence, registered_at, registered_by, changed_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (tenant, name, version) DO UPDATE SET
    state = EXCLUDED.state, changed_at = EXCLUDED.changed_at
"""
_MODELS = """
SELECT
    tenant, name, position, hash, champion, fallback, latest, four_eyes, rollout, created_at,
    changed_at
FROM models
WHERE ($1::text IS NULL OR tenant = $1) AND name > $2
ORDER BY tenant, name LIMIT $3
"""
_VERSIONS = """
SELECT
    tenant, name, version, state, digest, location, signed_by, bundle_version, mlflow_run_id,
    verdict, evidence, registered_at, registered_by, changed_at
FROM model_versions
WHERE tenant = $1 AND name = $2 AND ($3::int IS NULL OR version = $3)
    AND ($4::int IS NULL OR version < $4)
ORDER BY version DESC LIMIT $5
"""

# The history counts its changes: events that are about no version.
_POLICY = """
SELECT
    four_eyes,
    (
        SELECT count(*) FROM registry_events AS event
        WHERE event.tenant = models.tenant AND event.name = models.name
            AND event.version IS NULL AND event.type = 'PromotionPolicyChanged'
    ) AS version
FROM models WHERE tenant = $1 AND name = $2
"""


async def update(connection: Connection, stream: Stream) -> None:
    """Bring the rows up to the stream's new events."""
    if not stream.new:
        return
    row = project_model(
        stream.tenant,
        stream.name,
        stream.model,
        Head(stream.position, stream.hash),
        stream.new[0].at,
        stream.new[-1].at,
    )
    await put_model(connection, row)
    moments = {event.at for event in stream.new}
    changed = [each for each in stream.model.versions.values() if each.changed_at in moments]
    # A champion steps down before another is one.
    changed.sort(key=_is_champion)
    for version in changed:
        await put_version(connection, project_version(stream.tenant, stream.name, version))


async def put_model(connection: Connection, row: ModelRow) -> None:
    """Write a model's row; the moment of its creation stays."""
    await connection.execute(
        _PUT_MODEL,
        row.tenant,
        row.name,
        row.position,
        row.hash,
        row.champion,
        row.fallback,
        row.latest,
        row.four_eyes,
        row.rollout,
        row.created_at,
        row.changed_at,
    )


async def put_version(connection: Connection, row: VersionRow) -> None:
    """Write a version's row; what it was registered with stays."""
    await connection.execute(
        _PUT_VERSION,
        row.tenant,
        row.name,
        row.version,
        row.state.value,
        row.digest,
        row.location,
        row.signed_by,
        row.bundle_version,
        row.mlflow_run_id,
        None if row.verdict is None else row.verdict.value,
        msgspec.json.encode(row.evidence, order="deterministic").decode(),
        row.registered_at,
        row.registered_by,
        row.changed_at,
    )


async def find_model(connection: Connection, tenant: str, name: str) -> ModelRow | None:
    """The tenant's model of this name."""
    row = await connection.fetchrow(
        "SELECT tenant, name, position, hash, champion, fallback, latest, four_eyes, rollout,"
        " created_at, changed_at FROM models WHERE tenant = $1 AND name = $2",
        tenant,
        name,
    )
    return None if row is None else ModelRow(**row)


async def find_policy(connection: Connection, tenant: str, name: str) -> PromotionPolicy | None:
    """The promotion policy of the tenant's model; one statement, so that the two go together."""
    row = await connection.fetchrow(_POLICY, tenant, name)
    return None if row is None else PromotionPolicy(row["four_eyes"], row["version"])


async def list_models(
    connection: Connection, tenant: str | None, *, limit: int | None = None, after: str = ""
) -> list[ModelRow]:
    """Up to `limit` models by name from beyond `after`; of every tenant where none is named."""
    return [ModelRow(**row) for row in await connection.fetch(_MODELS, tenant, after, limit)]


async def find_version(
    connection: Connection, tenant: str, name: str, version: int
) -> VersionRow | None:
    """A version of the tenant's model."""
    row = await connection.fetchrow(_VERSIONS, tenant, name, version, None, 1)
    return None if row is None else _version(row)


async def list_versions(
    connection: Connection,
    tenant: str,
    name: str,
    *,
    limit: int | None = None,
    before: int | None = None,
) -> list[VersionRow]:
    """Up to `limit` versions, the newest first, older than `before`."""
    rows = await connection.fetch(_VERSIONS, tenant, name, None, before, limit)
    return [_version(row) for row in rows]


async def delete_model(connection: Connection, tenant: str, name: str) -> None:
    """Forget the rows of a model, to write them anew from its events."""
    await connection.execute(
        "DELETE FROM model_versions WHERE tenant = $1 AND name = $2", tenant, name
    )
    await connection.execute("DELETE FROM models WHERE tenant = $1 AND name = $2", tenant, name)


def _version(row: asyncpg.Record) -> VersionRow:
    return VersionRow(
        **{
            **row,
            "state": VersionState(row["state"]),
            "verdict": None if row["verdict"] is None else Verdict(row["verdict"]),
            "evidence": msgspec.json.decode(row["evidence"]),
        }
    )


def _is_champion(version: Version) -> bool:
    return version.state is VersionState.CHAMPION
