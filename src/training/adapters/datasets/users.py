"""What rests on a dataset version: ``models_made_of(connection, version)``."""

from training.adapters.postgres import Connection
from training.domain.datasets.version import DatasetVersion


async def models_made_of(connection: Connection, version: DatasetVersion) -> list[str]:
    """The registered models whose evidence names the version's content, as `model detector 3`."""
    rows = await connection.fetch(
        "SELECT name, version FROM model_versions"
        " WHERE tenant = $1 AND position($2 in evidence::text) > 0 ORDER BY name, version",
        version.tenant,
        version.digest,
    )
    return [f"model {row['name']} {row['version']}" for row in rows]
