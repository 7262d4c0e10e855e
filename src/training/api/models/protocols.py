"""What the routes of models and rollouts are given to work with."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from training.domain.identity import Changer
from training.domain.lifecycle.chain import ChainedEvent
from training.domain.lifecycle.projection import ModelRow, PromotionPolicy, VersionRow
from training.domain.rollout.rollout import Rollout
from training.domain.rollout.shaping import Wanted


class Models(Protocol):
    """Models, versions, histories and rollouts, to read."""

    async def page(self, tenant: str, *, limit: int, after: str = "") -> Sequence[ModelRow]:
        """Models by name, from beyond `after`."""
        ...

    async def model(self, tenant: str, name: str) -> ModelRow | None:
        """A model."""
        ...

    async def policy(self, tenant: str, name: str) -> PromotionPolicy | None:
        """A model's promotion policy."""
        ...

    async def versions(
        self, tenant: str, name: str, *, limit: int, before: int | None = None
    ) -> Sequence[VersionRow]:
        """Versions, the newest first, older than `before`."""
        ...

    async def version(self, tenant: str, name: str, version: int) -> VersionRow | None:
        """A version."""
        ...

    async def history(
        self, tenant: str, name: str, version: int, *, limit: int, after: int = 0
    ) -> Sequence[ChainedEvent]:
        """Events of a version, the oldest first, from beyond the position `after`."""
        ...

    async def rollout(self, tenant: str, name: str, rollout_id: UUID) -> Rollout | None:
        """A rollout."""
        ...

    async def rollouts(
        self, tenant: str, name: str, *, limit: int, before: UUID | None = None
    ) -> Sequence[Rollout]:
        """Rollouts, the newest first, older than `before`."""
        ...


class Lifecycles(Protocol):
    """What people do to models beside rolling them out; raises `Refused`."""

    async def reject(self, changer: Changer, name: str, version: int, reason: str) -> None:
        """Never roll the version out."""
        ...

    async def retire(self, changer: Changer, name: str, version: int, reason: str) -> None:
        """Say that the version is no longer wanted."""
        ...

    async def set_policy(
        self, changer: Changer, name: str, four_eyes: bool, reason: str, expected: int | None
    ) -> PromotionPolicy:
        """Say whether promotions need a second person; PolicyDiffers from the version expected."""
        ...


class Rollouts(Protocol):
    """What people do to rollouts; raises `Refused`, RolloutUnknown, StepIllegal."""

    async def start(self, changer: Changer, name: str, wanted: Wanted) -> Rollout:
        """Begin a rollout."""
        ...

    async def start_rollback(self, changer: Changer, name: str, reason: str) -> Rollout:
        """Begin the way back to the former champion."""
        ...

    async def pause(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Stand still."""
        ...

    async def resume(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Go on."""
        ...

    async def promote(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Leave out what is left of the plan."""
        ...

    async def approve(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Agree as the second person."""
        ...

    async def roll_back(
        self, changer: Changer, name: str, rollout_id: UUID, reason: str
    ) -> Rollout:
        """Undo a rollout under way."""
        ...
