"""What is read of a model: the rows that its state projects to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from training.domain.lifecycle.chain import Head
from training.domain.lifecycle.model import Model, Verdict, Version, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model; `position` and `hash` are the head of its stream."""

    tenant: str
    name: str
    position: int
    hash: bytes
    champion: int | None
    fallback: int | None
    latest: int | None
    four_eyes: bool
    rollout: UUID | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version."""

    tenant: str
    name: str
    version: int
    state: VersionState
    digest: str
    location: str
    signed_by: str
    bundle_version: str
    mlflow_run_id: str | None
    verdict: Verdict | None
    evidence: Mapping[str, Any]
    registered_at: datetime
    registered_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """Whether a promotion needs a second person. `version` counts how often that was changed."""

    four_eyes: bool
    version: int


def project_model(
    tenant: str, name: str, model: Model, head: Head, created_at: datetime, changed_at: datetime
) -> ModelRow:
    """The model's row; the moments are those of its first and its last event."""
    return ModelRow(
        tenant=tenant,
        name=name,
        position=head.position,
        hash=head.hash,
        champion=model.champion,
        fallback=None if model.fallback is None else model.fallback.version,
        latest=max(model.versions, default=None),
        four_eyes=model.four_eyes,
        rollout=None if model.rollout is None else model.rollout.id,
        created_at=created_at,
        changed_at=changed_at,
    )


def project_version(tenant: str, name: str, version: Version) -> VersionRow:
    """A version's row."""
    return VersionRow(
        tenant=tenant,
        name=name,
        version=version.version,
        state=version.state,
        digest=version.digest,
        location=version.location,
        signed_by=version.signed_by,
        bundle_version=version.bundle_version,
        mlflow_run_id=version.mlflow_run_id,
        verdict=version.verdict,
        evidence=version.evidence,
        registered_at=version.registered_at,
        registered_by=version.registered_by,
        changed_at=version.changed_at,
    )
