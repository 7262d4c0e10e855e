"""The models whose alias no rollout is about to move: ``models``, ``champion``."""

from dataclasses import dataclass

from training.adapters.postgres import Connection

# In these states a saga moves the alias, ahead of what the registry says.
_SETTLED = """
SELECT tenant, name, champion FROM models
WHERE ($1::text IS NULL OR tenant = $1 AND name = $2)
    AND EXISTS (
        SELECT FROM rollouts
        WHERE rollouts.tenant = models.tenant AND rollouts.model = models.name
    )
    AND NOT EXISTS (
        SELECT FROM rollouts
        WHERE rollouts.tenant = models.tenant AND rollouts.model = models.name AND is_active
            AND state IN ('promoting', 'rolling_back')
    )
ORDER BY tenant, name
"""


@dataclass(frozen=True, slots=True)
class Champion:
    """What the registry says; `version` is None where the guard's own bundle answers."""

    version: int | None


async def models(connection: Connection) -> list[tuple[str, str]]:
    """Tenant and name of every settled model that was ever in a rollout, and so in an alias."""
    rows = await connection.fetch(_SETTLED, None, None)
    return [(row["tenant"], row["name"]) for row in rows]


async def champion(connection: Connection, tenant: str, name: str) -> Champion | None:
    """The model's champion; None where a rollout is about to move the alias."""
    row = await connection.fetchrow(_SETTLED, tenant, name)
    return None if row is None else Champion(row["champion"])
