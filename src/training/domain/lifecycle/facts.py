"""What happened to a model: the events of its life, each a fact that is never taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRegistered:
    """A bundle became a version. `location` is its key prefix in the bucket of models;
    `evidence` says where it comes from: job, datasets with digests, report, comparison."""

    version: int
    digest: str
    location: str
    signed_by: str
    bundle_version: str
    mlflow_run_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStarted:
    """Somebody wants a version to become champion. `reverts` names the champion that a rollback
    takes back; a rollout has none."""

    version: int
    rollout: UUID
    reverts: int | None = None
    accept_worse: bool = False
    plan: tuple[Mapping[str, Any], ...] = ()
    gates: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStaged:
    """Every live replica has loaded and tested the version."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStarted:
    """The version judges a share of the traffic, and never answers."""

    version: int
    rollout: UUID
    sample: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryStarted:
    """The version answers for a share of the keys."""

    version: int
    rollout: UUID
    weight: float
    sticky_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePassed:
    """A gate of a step that ended."""

    version: int
    rollout: UUID
    step: int
    gate: str
    measured: float | None
    maximum: float
    window_seconds: int
    sample_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFailed:
    """A gate whose limit was exceeded: the rollout goes back."""

    version: int
    rollout: UUID
    step: int
    gate: str
    measured: float | None
    maximum: float
    window_seconds: int
    sample_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPaused:
    """The rollout stays where it is; its gates are still watched."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResumed:
    """The rollout goes on."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsSkipped:
    """Somebody wants what is left of the plan left out. An earlier approval is void."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The plan is done; a second person must approve."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven:
    """A second person approves."""

    version: int
    rollout: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """The version is champion on every live replica."""

    version: int
    rollout: UUID
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """The version answers no more, and `champion` does (None: the packaged bundle).

    `cause` is for programs: `gate`, `refused`, `requested`, or `reverted` where the version was
    champion already.
    """

    version: int
    rollout: UUID
    champion: int | None
    cause: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The version is never to be rolled out."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """The version has served, or is no longer wanted."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPolicyChanged:
    """Whether a promotion needs a second person."""

    four_eyes: bool


type Fact = (
    VersionRegistered
    | RolloutStarted
    | VersionStaged
    | ShadowStarted
    | CanaryStarted
    | GatePassed
    | GateFailed
    | RolloutPaused
    | RolloutResumed
    | StepsSkipped
    | ApprovalRequested
    | ApprovalGiven
    | Promoted
    | RolledBack
    | Rejected
    | Retired
    | PromotionPolicyChanged
)

FACTS: Mapping[str, type[Fact]] = {
    kind.__name__: kind
    for kind in (
        VersionRegistered,
        RolloutStarted,
        VersionStaged,
        ShadowStarted,
        CanaryStarted,
        GatePassed,
        GateFailed,
        RolloutPaused,
        RolloutResumed,
        StepsSkipped,
        ApprovalRequested,
        ApprovalGiven,
        Promoted,
        RolledBack,
        Rejected,
        Retired,
        PromotionPolicyChanged,
    )
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact with who, when and why."""

    fact: Fact
    at: datetime
    actor: str
    reason: str


def version_of(fact: Fact) -> int | None:
    """The version that a fact is about; None for one about the model."""
    return None if isinstance(fact, PromotionPolicyChanged) else fact.version
