"""The names that a tenant has given: ``datasets``, ``models``, ``suites``."""

from training.adapters.evaluation.builtin_suites import BUILT_IN
from training.adapters.postgres import Connection

_MOST = 1000


async def datasets(connection: Connection, tenant: str) -> list[str]:
    """Datasets that have a version whose rows are there."""
    rows = await connection.fetch(
        "SELECT DISTINCT name FROM dataset_versions WHERE tenant = $1 AND deleted_at IS NULL"
        " ORDER BY name LIMIT $2",
        tenant,
        _MOST,
    )
    return [row["name"] for row in rows]


async def models(connection: Connection, tenant: str) -> list[str]:
    """Models that have a version."""
    rows = await connection.fetch(
        "SELECT name FROM models WHERE tenant = $1 ORDER BY name LIMIT $2", tenant, _MOST
    )
    return [row["name"] for row in rows]


async def suites(connection: Connection, tenant: str) -> list[str]:
    """Suites, the built-in ones among them."""
    rows = await connection.fetch(
        "SELECT name FROM suites WHERE tenant = $1 ORDER BY name LIMIT $2", tenant, _MOST
    )
    return sorted([*BUILT_IN, *(row["name"] for row in rows)])
