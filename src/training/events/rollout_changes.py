"""What people do to rollouts.

``RolloutChanges(database, record)``: ``start``, ``start_rollback``, ``pause``, ``resume``,
``promote``, ``roll_back``, ``approve``.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from uuid_utils.compat import uuid7

from training.adapters.audit_log import audit
from training.adapters.evaluation import report_store
from training.adapters.postgres import Connection, Database
from training.adapters.rollout import store as rollout_store
from training.domain.identity import Changer
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.rollout import steps
from training.domain.rollout.plan import describe_gate, describe_step
from training.domain.rollout.rollout import Cause, Ending, Rollout
from training.domain.rollout.shaping import Wanted, shape_rollback, shape_rollout
from training.events.once import once
from training.events.registry import Decide
from training.events.rollout_record import RolloutRecord

type Change = Callable[[Rollout, bool], Rollout]
"""Gives a rollout after a change; it is told whether a promotion would lack an approval."""


class RolloutChanges:
    """One transaction a change. All raise DatabaseUnavailable, ModelUnknown and, where the model's
    state does not allow it, `Refused`; those of a rollout RolloutUnknown and StepIllegal."""

    def __init__(self, database: Database, record: RolloutRecord) -> None:
        self._database = database
        self._record = record

    async def start(self, changer: Changer, name: str, wanted: Wanted) -> Rollout:
        """Begin a rollout. VersionUnknown, RolloutActive, EvaluationWorse, IdempotencyConflict."""
        rollout_id = uuid7()

        def decide(model: Model, verdicts: Mapping[int, str]) -> Sequence[Fact]:
            return commands.start_rollout(
                model,
                rollout_id,
                wanted.version,
                accept_worse=wanted.accept_worse,
                verdicts=verdicts,
                plan=[describe_step(step) for step in wanted.plan],
                gates={each: describe_gate(gate) for each, gate in wanted.gates.named()},
            )

        def shape(model: Model) -> Rollout:
            return shape_rollout(
                rollout_id, changer.tenant, name, changer.actor, model, wanted, _now()
            )

        async def work(connection: Connection) -> Rollout:
            verdicts = await report_store.verdicts_of(
                connection, changer.tenant, name, wanted.version
            )
            return await self._record.begin(
                connection,
                changer,
                name,
                partial(decide, verdicts=verdicts),
                shape,
                wanted.reason,
            )

        async with self._database.transaction() as connection:
            return await once(
                connection,
                changer,
                "rollout.start",
                (name, wanted),
                Rollout,
                work,
            )

    async def start_rollback(self, changer: Changer, name: str, reason: str) -> Rollout:
        """Begin the way back to the former champion. NothingToRollBackTo, RolloutActive."""
        rollout_id = uuid7()

        def decide(model: Model) -> Sequence[Fact]:
            return commands.start_rollback(model, rollout_id)

        def shape(model: Model) -> Rollout:
            return shape_rollback(
                rollout_id, changer.tenant, name, changer.actor, model, reason, _now()
            )

        async def work(connection: Connection) -> Rollout:
            return await self._record.begin(connection, changer, name, decide, shape, reason)

        async with self._database.transaction() as connection:
            return await once(
                connection,
                changer,
                "rollout.rollback",
                (name, reason),
                Rollout,
                work,
            )

    async def pause(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Stand still; the gates are still watched."""

        def decide(model: Model) -> Sequence[Fact]:
            return commands.pause(model, rollout_id)

        def move(rollout: Rollout, _: bool) -> Rollout:
            return steps.pause(rollout, _now())

        return await self._change(changer, name, rollout_id, "paused", decide, move, reason)

    async def resume(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Go on."""

        def decide(model: Model) -> Sequence[Fact]:
            return commands.resume(model, rollout_id)

        def move(rollout: Rollout, _: bool) -> Rollout:
            return steps.resume(rollout, _now())

        return await self._change(changer, name, rollout_id, "resumed", decide, move, reason)

    async def promote(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Leave out what is left of the plan. Four eyes are needed all the same."""

        def move(rollout: Rollout, needs_approval: bool) -> Rollout:
            return steps.skip_steps(rollout, _now(), needs_approval=needs_approval)

        def decide(model: Model) -> Sequence[Fact]:
            return commands.skip_steps(model, rollout_id)

        return await self._change(changer, name, rollout_id, "promoted", decide, move, reason)

    async def approve(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Agree as the second person. ApprovalNotAwaited, SecondPersonNeeded."""

        def decide(model: Model) -> Sequence[Fact]:
            return commands.approve(model, rollout_id, changer.actor)

        def move(rollout: Rollout, _: bool) -> Rollout:
            return steps.approve(rollout, _now())

        return await self._change(changer, name, rollout_id, "approved", decide, move, reason)

    async def roll_back(
        self, changer: Changer, name: str, rollout_id: UUID, reason: str
    ) -> Rollout:
        """Undo a rollout under way. The history tells of it when it is undone."""
        ending = Ending(cause=Cause.REQUESTED, reason=reason, actor=changer.actor)

        def decide(_: Model) -> Sequence[Fact]:
            return ()

        def move(rollout: Rollout, _: bool) -> Rollout:
            return steps.go_back(rollout, ending, _now())

        return await self._change(
            changer, name, rollout_id, "rollback_requested", decide, move, reason
        )

    async def _change(
        self,
        changer: Changer,
        name: str,
        rollout_id: UUID,
        action: str,
        decide: Decide,
        change: Change,
        reason: str,
    ) -> Rollout:
        async with self._database.transaction() as connection:
            stored = await rollout_store.lock(connection, changer.tenant, name, rollout_id)
            # What the state forbids is refused before anything is recorded.
            change(stored.rollout, False)
            saved = await self._record.change(
                connection,
                stored,
                decide,
                lambda needs_approval: change(stored.rollout, needs_approval),
                changer.actor,
                reason,
                request_id=changer.request_id,
            )
            details = {"model": name, "version": saved.rollout.version}
            await audit(connection, changer, f"rollout.{action}", str(rollout_id), details)
        return saved.rollout


def _now() -> datetime:
    return datetime.now(UTC)
