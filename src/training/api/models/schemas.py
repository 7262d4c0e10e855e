"""What the routes of models take and give."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from training.api.moments import Moment
from training.api.reasons import Reason
from training.domain.lifecycle.chain import ChainedEvent
from training.domain.lifecycle.model import Verdict, VersionState
from training.domain.lifecycle.projection import ModelRow, VersionRow

MAX_BODY_BYTES = 16 * 1024


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why; it stays in the history."""

    reason: Reason


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model. `former_champion` is what a rollback makes champion again; `position` and `hash`
    are of the newest event of its history."""

    name: str
    champion: int | None
    former_champion: int | None
    latest_version: int | None
    four_eyes: bool
    active_rollout: UUID | None
    created_at: Moment
    changed_at: Moment
    position: int
    hash: str


class ModelPage(msgspec.Struct, frozen=True):
    """Models by name."""

    items: list[ModelView]
    next_cursor: str | None


class ModelVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model. `verdict` is that of the paired comparison with the champion of its
    time; `evidence` says where the version comes from."""

    model: str
    version: int
    state: VersionState
    digest: str
    location: str
    signed_by: str
    bundle_version: str
    mlflow_run_id: str | None
    verdict: Verdict | None
    evidence: Mapping[str, Any]
    registered_at: Moment
    registered_by: str
    changed_at: Moment


class ModelVersionPage(msgspec.Struct, frozen=True):
    """Versions, the newest first."""

    items: list[ModelVersionView]
    next_cursor: str | None


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a model's life. `hash` covers the event and `previous_hash`; `signature`, in
    hexadecimal, is that of the key `key_id`."""

    id: UUID
    position: int
    type: str
    version: int | None
    at: Moment
    actor: str
    reason: str
    evidence: Mapping[str, Any]
    previous_hash: str
    hash: str
    key_id: str
    signature: str


class HistoryPage(msgspec.Struct, frozen=True):
    """Events, the oldest first."""

    items: list[EventView]
    next_cursor: str | None


def model_view(row: ModelRow) -> ModelView:
    """A model as it is shown."""
    return ModelView(
        name=row.name,
        champion=row.champion,
        former_champion=row.fallback,
        latest_version=row.latest,
        four_eyes=row.four_eyes,
        active_rollout=row.rollout,
        created_at=row.created_at,
        changed_at=row.changed_at,
        position=row.position,
        hash=row.hash.hex(),
    )


def version_view(row: VersionRow) -> ModelVersionView:
    """A version as it is shown."""
    return ModelVersionView(
        model=row.name,
        version=row.version,
        state=row.state,
        digest=row.digest,
        location=row.location,
        signed_by=row.signed_by,
        bundle_version=row.bundle_version,
        mlflow_run_id=row.mlflow_run_id,
        verdict=row.verdict,
        evidence=row.evidence,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        changed_at=row.changed_at,
    )


def event_view(event: ChainedEvent) -> EventView:
    """An event as it is shown."""
    return EventView(
        id=event.id,
        position=event.position,
        type=event.type,
        version=event.version,
        at=event.at,
        actor=event.actor,
        reason=event.reason,
        evidence=json.loads(event.data),
        previous_hash=event.previous_hash.hex(),
        hash=event.hash.hex(),
        key_id=event.key_id,
        signature=event.signature.hex(),
    )
