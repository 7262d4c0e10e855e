"""The state of a model: what its facts add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_VERSION = 2**31 - 1


class VersionState(StrEnum):
    """Where a version stands in its life."""

    REGISTERED = "registered"
    STAGED = "staged"
    SHADOW = "shadow"
    CANARY = "canary"
    CHAMPION = "champion"
    RETIRED = "retired"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


class Verdict(StrEnum):
    """What the paired comparison with the champion of the time said."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version as it stands."""

    version: int
    state: VersionState
    digest: str
    location: str
    signed_by: str
    bundle_version: str
    mlflow_run_id: str | None
    evidence: Mapping[str, Any]
    registered_at: datetime
    registered_by: str
    changed_at: datetime

    @property
    def verdict(self) -> Verdict | None:
        """Better or worse than the champion of the time; None where they were not compared."""
        comparison = self.evidence.get("comparison")
        said = comparison.get("verdict") if isinstance(comparison, Mapping) else None
        return Verdict(said) if said in tuple(Verdict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRollout:
    """The rollout under way, as far as the model's rules need to know it.

    `proposed_by` answers for the promotion as it would happen: who started it, or who skipped
    steps last. `needs_approval` holds once it held.
    """

    id: UUID
    version: int
    reverts: int | None
    proposed_by: str
    needs_approval: bool
    approved_by: str | None = None
    is_paused: bool = False
    awaits_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: its versions, its champion, and those that were champion before, the last at the
    end, to which it can go back."""

    versions: Mapping[int, Version] = field(default_factory=dict)
    champion: int | None = None
    former: tuple[int, ...] = ()
    four_eyes: bool = False
    rollout: ActiveRollout | None = None

    @property
    def fallback(self) -> Version | None:
        """The version that a rollback makes champion, if there is one."""
        return self.versions[self.former[-1]] if self.former else None

    def first_with(self, digest: str, apart_from: int) -> int | None:
        """The first of the other versions whose bundle has the digest."""
        same = (each.version for each in self.versions.values() if each.digest == digest)
        return min((version for version in same if version != apart_from), default=None)

    def with_state(self, version: int, state: VersionState, at: datetime) -> "Model":
        """The model with one version in another state."""
        changed = replace(self.versions[version], state=state, changed_at=at)
        return replace(self, versions={**self.versions, version: changed})
