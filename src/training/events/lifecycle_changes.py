"""What people do to models beside rolling them out.

``LifecycleChanges(database, registry)``: ``reject``, ``retire``, ``set_policy``.
"""

from collections.abc import Sequence

from training.adapters.lifecycle import event_store
from training.adapters.lifecycle import projection as model_projection
from training.adapters.postgres import Connection, Database
from training.domain.identity import Changer
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.lifecycle.projection import PromotionPolicy
from training.domain.lifecycle.refusals import ModelUnknown, PolicyDiffers
from training.events.registry import Decide, Registry


class LifecycleChanges:
    """One transaction a change. All raise DatabaseUnavailable, and `Refused` where the model's
    state does not allow it, or there is no such model or version."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def reject(self, changer: Changer, name: str, version: int, reason: str) -> None:
        """Never roll the version out."""

        def decide(model: Model) -> Sequence[Fact]:
            return commands.reject(model, version)

        await self._change(changer, name, decide, reason)

    async def retire(self, changer: Changer, name: str, version: int, reason: str) -> None:
        """Say that the version is no longer wanted."""

        def decide(model: Model) -> Sequence[Fact]:
            return commands.retire(model, version)

        await self._change(changer, name, decide, reason)

    async def set_policy(
        self,
        changer: Changer,
        name: str,
        four_eyes: bool,
        reason: str,
        expected: int | None = None,
    ) -> PromotionPolicy:
        """Say whether promotions need a second person.

        PolicyDiffers where the policy is not at the version `expected`, unless it says so already:
        whoever lost the answer and asks again is answered (RFC 9110, section 13.1.1).
        """
        async with self._database.transaction() as connection:
            # What is read next is what is changed.
            await event_store.hold(connection, changer.tenant, name)
            policy = await model_projection.find_policy(connection, changer.tenant, name)
            if policy is None:
                raise ModelUnknown
            if policy.four_eyes is four_eyes:
                return policy
            if expected not in (None, policy.version):
                raise PolicyDiffers(policy.version)

            def decide(model: Model) -> Sequence[Fact]:
                return commands.set_policy(model, four_eyes)

            await self._record(connection, changer, name, decide, reason)
            return PromotionPolicy(four_eyes, policy.version + 1)

    async def _change(self, changer: Changer, name: str, decide: Decide, reason: str) -> None:
        async with self._database.transaction() as connection:
            await self._record(connection, changer, name, decide, reason)

    async def _record(
        self, connection: Connection, changer: Changer, name: str, decide: Decide, reason: str
    ) -> None:
        await self._registry.change(
            connection, changer.tenant, name, decide, changer.actor, reason, changer.request_id
        )
