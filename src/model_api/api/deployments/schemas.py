"""What the deployment routes take and give. Unknown fields are refused."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from model_api.api.predictions.schemas import Moment
from model_api.domain.deployments.deployment import (
    DIGEST_PATTERN,
    VERSION_PATTERN,
    Canary,
    Deployment,
    Shadow,
    StickyBy,
    Version,
)
from model_api.domain.limits import (
    MAX_GENERATION,
    MAX_LOCATION_LENGTH,
    MAX_REASON_LENGTH,
    MAX_WARM_VERSIONS,
)

VersionName = Annotated[
    str, msgspec.Meta(pattern=f"^{VERSION_PATTERN}$", description="The registry's name for it.")
]
Digest = Annotated[
    str,
    msgspec.Meta(pattern=f"^{DIGEST_PATTERN}$", description="Of the bundle's manifest.json."),
]
Location = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_LOCATION_LENGTH,
        description="The key prefix of the bundle's files in the bucket of models.",
    ),
]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class VersionBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A version of the model, and where its bundle lies."""

    version: VersionName
    digest: Digest
    location: Location


class CanaryBody(VersionBody, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The version that answers for a share of the sessions, subjects or tenants."""

    weight: Share
    sticky_by: StickyBy


class ShadowBody(VersionBody, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The version that judges a share of the requests too, and answers none."""

    sample: Share


class DeploymentBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is to judge. Of two, the one of the higher generation rules.

    Without a champion the packaged bundle answers; `warm` versions are kept loaded, for pins and
    for whoever answers next.
    """

    generation: Annotated[int, msgspec.Meta(ge=1, le=MAX_GENERATION)]
    reason: Annotated[
        str, msgspec.Meta(min_length=1, max_length=MAX_REASON_LENGTH, pattern="^[^\\u0000]*$")
    ]
    rollout_id: UUID | None = None
    champion: VersionBody | None = None
    canary: CanaryBody | None = None
    shadow: ShadowBody | None = None
    warm: Annotated[list[VersionBody], msgspec.Meta(max_length=MAX_WARM_VERSIONS)] = []


class ReplicaVersion(msgspec.Struct, frozen=True):
    """A version on one replica; `reason` says why it is not ready."""

    version: str
    digest: str
    state: Literal["loading", "ready", "refused"]
    reason: str | None


class ReplicaView(msgspec.Struct, frozen=True):
    """A live replica; `generation` is that of the deployment in force there."""

    replica_id: UUID
    seen_at: Moment
    generation: int | None
    versions: list[ReplicaVersion]


class DeploymentState(msgspec.Struct, frozen=True):
    """What is desired, and how far each live replica has come."""

    desired: DeploymentBody | None
    replicas: list[ReplicaView]


class LatencyView(msgspec.Struct, frozen=True):
    """Milliseconds that an input took to be judged; the percentiles are right to 1 part in 32."""

    mean: float
    p50: float
    p95: float
    p99: float


class FeedbackCount(msgspec.Struct, frozen=True):
    """Feedback on the version's predictions, the latest on each, and how much of it says the
    opposite."""

    total: int
    contradicting: int


class VersionMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What one version did in one role.

    `predictions` are inputs given to it, `errors` those of them that it failed to judge. Blocked
    and flagged is what the policy's rules said, whether it enforces them or only monitors.
    `compared` inputs were judged by the champion and by this candidate, and in `disagreements` of
    them the same policy decided otherwise.
    """

    version: str
    role: Literal["champion", "canary", "shadow", "pinned"]
    predictions: int
    errors: int
    blocked: int
    flagged: int
    latency_ms: LatencyView | None
    compared: int
    disagreements: int
    feedback: FeedbackCount


class DeploymentMetrics(msgspec.Struct, frozen=True):
    """The sums over the whole seconds from `since` to before `until`, of all replicas."""

    since: Moment
    until: Moment
    versions: list[VersionMetrics]


class DisagreementView(msgspec.Struct, frozen=True, kw_only=True):
    """An input that a candidate judged otherwise than the champion. The decisions are what the
    policy's rules say."""

    prediction_id: UUID
    at: Moment
    version: str
    decision: Literal["allow", "flag", "block"]
    score: float
    champion_version: str
    champion_decision: Literal["allow", "flag", "block"]
    champion_score: float


class DisagreementPage(msgspec.Struct, frozen=True):
    """Examples of disagreements, newest first; of a busy second not all of them."""

    items: list[DisagreementView]
    next_cursor: str | None


def deployment_of(body: DeploymentBody) -> Deployment:
    """The deployment that a body asks for; DeploymentInvalid."""
    return Deployment(
        generation=body.generation,
        reason=body.reason,
        rollout_id=body.rollout_id,
        champion=None if body.champion is None else Version(*_named(body.champion)),
        canary=(
            None
            if body.canary is None
            else Canary(*_named(body.canary), body.canary.weight, body.canary.sticky_by)
        ),
        shadow=(None if body.shadow is None else Shadow(*_named(body.shadow), body.shadow.sample)),
        warm=tuple(Version(*_named(version)) for version in body.warm),
    )


def body_of(deployment: Deployment) -> DeploymentBody:
    """The body that asked for a deployment."""
    return msgspec.convert(deployment, DeploymentBody, from_attributes=True)


def _named(body: VersionBody) -> tuple[str, str, str]:
    return body.version, body.digest, body.location
