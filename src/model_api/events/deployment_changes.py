"""Every change of what judges: the change, its audit entry and its event, or none.

``DeploymentChanges(database)``: ``deploy``, ``deployment_refused``, ``version_refused``,
``reload_refused``. All raise ``DatabaseUnavailable``.
"""

from collections.abc import Mapping

import msgspec

from model_api.adapters import outbox_table
from model_api.adapters.deployments import store as deployment_store
from model_api.adapters.postgres import Database
from model_api.domain.deployments.deployment import Deployment, DeploymentStale
from model_api.domain.deployments.replica import VersionReport
from model_api.events import facts
from model_api.events.changes import Caller, audit


class DeploymentChanges:
    """One transaction a change, or a refusal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deploy(self, caller: Caller, model: str, deployment: Deployment) -> None:
        """Store what is to judge; again, it changes nothing. DeploymentStale, which is kept record
        of as well."""
        try:
            async with self._database.transaction() as connection:
                if await deployment_store.put(connection, model, deployment, caller.actor):
                    event = facts.deployment_changed(caller.tenant, model, deployment, caller.actor)
                    await outbox_table.append(connection, event)
                    await audit(connection, caller, "deployment.stored", model, _fields(deployment))
        except DeploymentStale as stale:
            refusal = f"stale: {stale}"
            async with self._database.transaction() as connection:
                event = facts.deployment_changed(
                    caller.tenant, model, deployment, caller.actor, refusal
                )
                await outbox_table.append(connection, event)
                details = {**_fields(deployment), "refusal": refusal}
                await audit(connection, caller, "deployment.refused", model, details)
            raise

    async def version_refused(self, caller: Caller, model: str, report: VersionReport) -> None:
        """Tell that a replica must not load a version."""
        async with self._database.transaction() as connection:
            details = {
                "version": report.version,
                "digest": report.digest,
                "refusal": report.reason,
            }
            await audit(connection, caller, "deployment.version_refused", model, details)

    async def reload_refused(self, caller: Caller, model: str, refusal: str) -> None:
        """Tell that the packaged bundle was not loaded again."""
        async with self._database.transaction() as connection:
            await audit(connection, caller, "model.reload_refused", model, {"refusal": refusal})


def _fields(deployment: Deployment) -> Mapping[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(deployment)
    return fields
