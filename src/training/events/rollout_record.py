"""Changes of a rollout with what they make of its model, written in the changer's transaction."""

from collections.abc import Callable, Sequence

from training.adapters import outbox_table
from training.adapters.postgres import Connection
from training.adapters.rollout import store as rollout_store
from training.adapters.rollout.store import Stored
from training.domain.identity import Changer
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.rollout.rollout import Rollout, RolloutState
from training.events.model_facts import rollout_changed
from training.events.registry import Decide, Registry

type Move = Callable[[bool], Rollout]
"""Gives the rollout after a change; it is told whether a promotion would lack an approval."""


class RolloutRecord:
    """Writes changes of rollouts, in the changer's transaction."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def begin(
        self,
        connection: Connection,
        changer: Changer,
        name: str,
        decide: Decide,
        shape: Callable[[Model], Rollout],
        reason: str,
    ) -> Rollout:
        """A new rollout: what `decide` makes of the model, and `shape` of the model before it."""
        before: list[Model] = []

        def decide_on(model: Model) -> Sequence[Fact]:
            before.append(model)
            return decide(model)

        await self._registry.change(
            connection, changer.tenant, name, decide_on, changer.actor, reason, changer.request_id
        )
        rollout = shape(before[0])
        await rollout_store.add(connection, rollout)
        await outbox_table.append(connection, rollout_changed(rollout))
        return rollout

    async def change(
        self,
        connection: Connection,
        stored: Stored,
        decide: Decide,
        move: Move,
        actor: str,
        reason: str,
        *,
        fence: int | None = None,
        request_id: str | None = None,
    ) -> Stored:
        """Move a rollout on, with what that makes of its model. RolloutMoved where somebody else
        moved it, or the runner that names its `fence` has lost its lease."""
        rollout = stored.rollout
        await rollout_store.hold(connection, stored, fence)
        tenant, name = rollout.tenant, rollout.model
        stream = await self._registry.change(
            connection, tenant, name, decide, actor, reason, request_id
        )
        active = stream.model.rollout
        moved = move(active is not None and commands.needs_approval(active))
        if moved.state is RolloutState.AWAITING_APPROVAL:

            def ask(model: Model) -> Sequence[Fact]:
                return commands.request_approval(model, rollout.id)

            await self._registry.change(connection, tenant, name, ask, actor, reason, request_id)
        saved = await rollout_store.save(connection, Stored(moved, stored.revision))
        await outbox_table.append(connection, rollout_changed(moved))
        return saved
