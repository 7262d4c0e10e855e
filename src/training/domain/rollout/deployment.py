"""What the guard is asked to serve, and what its replicas say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A version as the guard is told of it; `location` is a key prefix in the bucket of models."""

    version: str
    digest: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCanary(Placed):
    """The version that answers for a share of the keys."""

    weight: float
    sticky_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedShadow(Placed):
    """The version that judges a share of the requests silently."""

    sample: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who is to judge in which role. Without a champion the guard's packaged bundle answers."""

    reason: str
    rollout_id: UUID | None
    champion: Placed | None
    canary: PlacedCanary | None = None
    shadow: PlacedShadow | None = None
    warm: tuple[Placed, ...] = ()


class ReplicaVersionState(StrEnum):
    """What a replica has made of a version."""

    LOADING = "loading"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaVersion:
    """A version on a replica."""

    version: str
    state: ReplicaVersionState
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A replica that lives, and the generation that it has made its own."""

    replica_id: UUID
    generation: int | None
    versions: Sequence[ReplicaVersion] = ()


class Standing(StrEnum):
    """How far the replicas are."""

    APPLIED = "applied"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """How far the replicas are, in words too."""

    standing: Standing
    in_words: str


def standing(replicas: Sequence[Replica], generation: int, needed: str | None) -> Answer:
    """Whether every live replica follows `generation` and has the version `needed` ready."""
    if not replicas:
        return Answer(Standing.WAITING, "no replica of model_api is live")
    behind = [each for each in replicas if each.generation is None or each.generation < generation]
    loading = []
    reasons = []
    for replica in replicas:
        found = next((each for each in replica.versions if each.version == needed), None)
        if found is not None and found.state is ReplicaVersionState.REFUSED:
            return Answer(
                Standing.REFUSED,
                f"a replica of model_api refused version {needed}: {found.reason or 'no reason'}",
            )
        if needed is not None and (found is None or found.state is not ReplicaVersionState.READY):
            loading.append(replica)
            reasons += [found.reason] if found is not None and found.reason else []
    if loading:
        return Answer(
            Standing.WAITING,
            f"{len(loading)} of {len(replicas)} replicas have not loaded version {needed} yet"
            + (f": {reasons[0]}" if reasons else ""),
        )
    if behind:
        return Answer(
            Standing.WAITING,
            f"{len(behind)} of {len(replicas)} replicas have not taken up the deployment yet",
        )
    return Answer(Standing.APPLIED, f"{len(replicas)} replicas follow")
