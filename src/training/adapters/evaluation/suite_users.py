"""What a suite is needed for: ``jobs_on(connection, tenant, suite)``."""

from training.adapters.postgres import Connection
from training.domain.evaluation.definition import SuiteDefinition

MAX_NAMED = 10

# A job that names no suites is judged on the default ones.
_JOBS = """
SELECT id FROM jobs
WHERE tenant = $1 AND state IN ('queued', 'running') AND kind IN ('train', 'evaluate')
    AND CASE
        WHEN parameters->>'suites' IS NULL THEN $3
        ELSE (parameters->'suites')::jsonb ? $2
    END
ORDER BY id LIMIT $4
"""


async def jobs_on(connection: Connection, tenant: str, suite: SuiteDefinition) -> list[str]:
    """Jobs that wait or run and judge on the suite, as `job 01a2…`; the first of them."""
    rows = await connection.fetch(_JOBS, tenant, suite.name, suite.is_default, MAX_NAMED)
    return [f"job {row['id']}" for row in rows]
