"""The events of single changes: ``policy_changed``, ``feedback_recorded``, ``model_reloaded``,
``deployment_changed``.

That of predictions is made by the statement that stores them (adapters/predictions/sql.py).
"""

from typing import Literal

import msgspec

from model_api.adapters.outbox_table import OutboxEvent
from model_api.adapters.predictions.feedback_store import Feedback
from model_api.domain.deployments.deployment import Deployment
from model_api.domain.judging.policy import Policy

POLICY_CHANGED = "io.bartizan.model_api.policy.changed.v1"
FEEDBACK_RECORDED = "io.bartizan.model_api.feedback.recorded.v1"
DEPLOYMENT_CHANGED = "io.bartizan.model_api.deployment.changed.v1"
MODEL_RELOADED = "io.bartizan.model_api.model.reloaded.v1"

type Change = Literal["created", "replaced", "deleted"]


def policy_changed(
    tenant: str, name: str, version: int, change: Change, policy: Policy | None, actor: str
) -> OutboxEvent:
    """A policy got a new version; ``policy`` is None where that stands for its deletion."""
    data = {
        "name": name,
        "version": version,
        "change": change,
        "policy": policy,
        "actor": actor,
    }
    return OutboxEvent(POLICY_CHANGED, tenant, name, msgspec.json.encode(data))


def feedback_recorded(feedback: Feedback) -> OutboxEvent:
    """Someone said what a prediction should have been. The note may name people: it stays."""
    data = {
        "id": feedback.id,
        "prediction_id": feedback.prediction_id,
        "label": feedback.label,
        "has_note": feedback.note is not None,
        "created_at": feedback.created_at,
        "actor": feedback.actor,
    }
    return OutboxEvent(
        FEEDBACK_RECORDED, feedback.tenant, str(feedback.prediction_id), msgspec.json.encode(data)
    )


def model_reloaded(tenant: str, name: str, version: str, digest: str, actor: str) -> OutboxEvent:
    """The running model was replaced."""
    data = {"name": name, "version": version, "digest": digest, "actor": actor}
    return OutboxEvent(MODEL_RELOADED, tenant, name, msgspec.json.encode(data))


def deployment_changed(
    tenant: str, model: str, deployment: Deployment, actor: str, refusal: str | None = None
) -> OutboxEvent:
    """What is to judge was stored, or refused because of ``refusal``."""
    data = {
        "name": model,
        "change": "stored" if refusal is None else "refused",
        "refusal": refusal,
        "deployment": deployment,
        "actor": actor,
    }
    return OutboxEvent(DEPLOYMENT_CHANGED, tenant, model, msgspec.json.encode(data))
