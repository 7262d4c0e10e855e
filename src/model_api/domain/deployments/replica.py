"""What a replica has made of the deployment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class VersionState(StrEnum):
    """What a replica has made of a version."""

    LOADING = "loading"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class VersionReport:
    """A version on one replica; ``reason`` says why it is not ready, or not yet."""

    version: str
    digest: str
    state: VersionState
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """A replica: the generation in force there, None for none, and its versions."""

    replica_id: UUID
    seen_at: datetime
    generation: int | None
    versions: tuple[VersionReport, ...]
