"""Every change of state but predictions: the change, its audit entry and its event, or none.

``Changes(database)``: ``create_policy``, ``replace_policy``, ``delete_policy``, ``add_feedback``,
``model_reloaded``. All raise ``DatabaseUnavailable``; the rest is said at each. Those of what
judges are in events/deployment_changes.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from model_api.adapters import audit_log, outbox_table
from model_api.adapters.audit_log import AuditEntry
from model_api.adapters.policies import store as policy_store
from model_api.adapters.policies.store import StoredPolicy
from model_api.adapters.postgres import Connection, Database
from model_api.adapters.predictions import feedback_store
from model_api.adapters.predictions.feedback_store import Feedback, Label
from model_api.domain.judging.policy import Policy
from model_api.events import facts
from model_api.events.once import once


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a change is made, by which actor (an API key's id), in which request."""

    tenant: str
    actor: str
    request_id: str | None = None
    idempotency_key: str | None = None


class Changes:
    """One transaction a change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_policy(self, caller: Caller, policy: Policy) -> StoredPolicy:
        """Store a new policy, whatever version it gives itself. PolicyExists;
        IdempotencyConflict."""

        async def work(connection: Connection) -> StoredPolicy:
            stored = await policy_store.create(connection, caller.tenant, policy, caller.actor)
            await _policy(connection, caller, stored.policy, "created")
            return stored

        async with self._database.transaction() as connection:
            return await once(
                connection,
                caller.tenant,
                caller.idempotency_key,
                "policy.create",
                policy,
                StoredPolicy,
                work,
            )

    async def replace_policy(
        self, caller: Caller, policy: Policy, expected_version: int | None
    ) -> StoredPolicy:
        """Store the next version of a policy. PolicyUnknown; PolicyChanged when the policy is not
        at the expected version (None expects none)."""
        async with self._database.transaction() as connection:
            stored = await policy_store.replace(
                connection, caller.tenant, policy, expected_version, caller.actor
            )
            await _policy(connection, caller, stored.policy, "replaced")
            return stored

    async def delete_policy(self, caller: Caller, name: str, expected_version: int | None) -> None:
        """Delete a policy. PolicyUnknown; PolicyChanged."""
        async with self._database.transaction() as connection:
            version = await policy_store.delete(
                connection, caller.tenant, name, expected_version, caller.actor
            )
            event = facts.policy_changed(
                caller.tenant, name, version, "deleted", None, caller.actor
            )
            await outbox_table.append(connection, event)
            await audit(connection, caller, "policy.deleted", name, {"version": version})

    async def add_feedback(
        self, caller: Caller, prediction_id: UUID, label: Label, note: str | None
    ) -> Feedback:
        """Store feedback on a prediction. PredictionUnknown; IdempotencyConflict."""

        async def work(connection: Connection) -> Feedback:
            feedback = Feedback(
                uuid7(), caller.tenant, prediction_id, label, note, datetime.now(UTC), caller.actor
            )
            await feedback_store.add(connection, feedback)
            await outbox_table.append(connection, facts.feedback_recorded(feedback))
            details = {"prediction_id": prediction_id, "label": label}
            await audit(connection, caller, "feedback.added", str(feedback.id), details)
            return feedback

        request = (prediction_id, label, note)
        async with self._database.transaction() as connection:
            return await once(
                connection,
                caller.tenant,
                caller.idempotency_key,
                "feedback.add",
                request,
                Feedback,
                work,
            )

    async def model_reloaded(self, caller: Caller, name: str, version: str, digest: str) -> None:
        """Tell that the running model was replaced."""
        async with self._database.transaction() as connection:
            event = facts.model_reloaded(caller.tenant, name, version, digest, caller.actor)
            await outbox_table.append(connection, event)
            details = {"version": version, "digest": digest}
            await audit(connection, caller, "model.reloaded", name, details)


async def _policy(
    connection: Connection, caller: Caller, policy: Policy, change: facts.Change
) -> None:
    event = facts.policy_changed(
        caller.tenant, policy.name, policy.version, change, policy, caller.actor
    )
    await outbox_table.append(connection, event)
    await audit(connection, caller, f"policy.{change}", policy.name, {"version": policy.version})


async def audit(
    connection: Connection, caller: Caller, action: str, target: str, details: Mapping[str, object]
) -> None:
    """Add to the caller's transaction who did what."""
    entry = AuditEntry(caller.tenant, caller.actor, action, target, details, caller.request_id)
    await audit_log.append(connection, entry)
