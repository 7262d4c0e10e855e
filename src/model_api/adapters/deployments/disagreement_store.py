"""Inputs that two versions judged otherwise: ``DisagreementStore(database, model).page(...)``."""

from uuid import UUID

from model_api.adapters.deployments import sql as deployment_sql
from model_api.adapters.id_bounds import LAST_ID
from model_api.adapters.postgres import Database
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.judging.decision import Decision


class DisagreementStore:
    """The disagreements on one model, to read."""

    def __init__(self, database: Database, model: str) -> None:
        self._database = database
        self._model = model

    async def page(
        self,
        tenant: str | None,
        *,
        limit: int,
        before: UUID | None = None,
        version: str | None = None,
    ) -> list[Disagreement]:
        """Up to ``limit``, newest first, older than ``before``; of all tenants where ``tenant`` is
        None. DatabaseUnavailable."""
        bounds = (self._model, before or LAST_ID, version, limit)
        async with self._database.connection() as connection:
            if tenant is None:
                rows = await connection.fetch(deployment_sql.ALL_DISAGREEMENTS, *bounds)
            else:
                rows = await connection.fetch(
                    deployment_sql.DISAGREEMENTS_OF_TENANT, *bounds, tenant
                )
        return [
            Disagreement(
                **{
                    **row,
                    "decision": Decision(row["decision"]),
                    "champion_decision": Decision(row["champion_decision"]),
                }
            )
            for row in rows
        ]
