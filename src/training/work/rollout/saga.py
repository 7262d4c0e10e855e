"""One step of a rollout: what the guard is to serve, how far it is, and what follows from that.

Every step can be done again. What is asked of the guard is stored, with its generation, before it
is asked; what was reached is recorded in one transaction, under the runner's lease and over the
revision that it saw. Whoever takes a rollout up later goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from training.adapters.postgres import Database
from training.adapters.rollout import store as rollout_store
from training.adapters.rollout.guard_client import (
    DeploymentStale,
    GuardClient,
    GuardRefused,
    GuardState,
)
from training.adapters.rollout.store import Lease, Stored
from training.domain.lifecycle import commands, facts
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.lifecycle.refusals import ApprovalMissing
from training.domain.rollout import steps
from training.domain.rollout.deployment import Standing, standing
from training.domain.rollout.rollout import Cause, Ending, Kind, Rollout, RolloutState, wish_of
from training.events.rollout_record import Move, RolloutRecord
from training.work.rollout.observing import observe
from training.work.rollout.step_facts import begin_step, gate_fact

ACTOR = "service:training"
"""Who the history says did what no person did."""


_WITHOUT_REASON = Ending(cause=Cause.REQUESTED, reason="nobody said why", actor=ACTOR)


class Aliases(Protocol):
    """The alias `champion` in MLflow's registry; raises TrackingAway and TrackingRefused."""

    async def point(self, tenant: str, model: str, version: int) -> None:
        """Let the alias name a version."""
        ...

    async def remove(self, tenant: str, model: str) -> None:
        """Let the alias name nothing."""
        ...


class Saga:
    """Knows what comes next. `pace_s` is how soon to look again at what is under way."""

    def __init__(
        self,
        database: Database,
        record: RolloutRecord,
        guard: GuardClient,
        aliases: Aliases,
        *,
        pace_s: float = 0.5,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._record = record
        self._guard = guard
        self._aliases = aliases
        self._pace_s = pace_s
        self._clock = clock

    async def advance(self, lease: Lease) -> tuple[Stored, float]:
        """Take the rollout one step further; the rollout, and in how many seconds to look again.

        Raises GuardAway, GuardRefused, TrackingAway, TrackingRefused, DatabaseUnavailable, and
        RolloutMoved where the rollout was changed, or the lease was lost, meanwhile.
        """
        rollout = lease.stored.rollout
        is_going_back = rollout.state is RolloutState.ROLLING_BACK
        if is_going_back and rollout.generation is None:
            # The guard was never asked for anything.
            return await self._end(lease), 0
        try:
            return await self._advance(lease)
        except GuardRefused as refusal:
            if is_going_back or not refusal.is_final:
                raise
            ending = Ending(cause=Cause.REFUSED, reason=str(refusal), actor=ACTOR)
            return await self._go_back(lease, ending), 0

    async def note(self, lease: Lease, waiting_for: str) -> Stored:
        """Remember what the rollout waits for, so that people can see it."""
        if lease.stored.rollout.waiting_for == waiting_for:
            return lease.stored
        return await self._store(lease, replace(lease.stored.rollout, waiting_for=waiting_for))

    async def _advance(self, lease: Lease) -> tuple[Stored, float]:
        state = await self._guard.state(lease.stored.rollout.model)
        if not _is_asked(lease.stored.rollout, state):
            return await self._ask(lease, state), 0.1
        rollout = lease.stored.rollout
        answer = standing(state.replicas, state.generation or 0, _needed(rollout))
        if rollout.state is not RolloutState.ROLLING_BACK and answer.standing is Standing.REFUSED:
            ending = Ending(cause=Cause.REFUSED, reason=answer.in_words, actor=ACTOR)
            return await self._go_back(lease, ending), 0
        if rollout.entered_at is not None and rollout.watched_step is not None:
            return await self._watch(lease)
        if rollout.phase is RolloutState.AWAITING_APPROVAL:
            return await self.note(lease, "a second person must approve"), self._pace_s
        if rollout.state is RolloutState.PAUSED:
            return lease.stored, self._pace_s
        if answer.standing is not Standing.APPLIED:
            return await self.note(lease, answer.in_words), self._pace_s
        return await self._reached(lease), 0

    async def _ask(self, lease: Lease, state: GuardState) -> Stored:
        stored, rollout = lease.stored, lease.stored.rollout
        wish, generation = wish_of(rollout), rollout.generation or 0
        was_overtaken = (state.generation or 0) >= generation
        if rollout.wish != wish or was_overtaken:
            generation = max(state.generation or 0, generation) + 1
            asking = replace(rollout, wish=wish, generation=generation)
            stored = await self._store(lease, asking)
        try:
            await self._guard.deploy(rollout.model, generation, wish)
        except DeploymentStale:
            # Somebody was quicker; the next look sees by whom, and asks anew.
            return stored
        return stored

    async def _reached(self, lease: Lease) -> Stored:
        """Every live replica does what was asked."""
        rollout, now = lease.stored.rollout, self._clock()
        match rollout.state:
            case RolloutState.STAGING:
                return await self._change(
                    lease,
                    lambda model: commands.stage(model, rollout.id),
                    lambda needs_approval: steps.advance(
                        rollout, now, needs_approval=needs_approval
                    ),
                    "every live replica has loaded and tested it",
                )
            case RolloutState.PROMOTING:
                return await self._promote(lease)
            case RolloutState.ROLLING_BACK:
                return await self._end(lease)
            case _:
                return await self._change(
                    lease,
                    lambda model: begin_step(model, rollout),
                    lambda _: steps.follow(rollout, now),
                    f"step {rollout.step + 1} of {len(rollout.plan)}",
                )

    async def _watch(self, lease: Lease) -> tuple[Stored, float]:
        rollout, now = lease.stored.rollout, self._clock()
        observation = await observe(self._guard, rollout, now)
        decision = steps.decide(rollout, observation, now)
        where = f"step {rollout.step + 1} of {len(rollout.plan)}"
        seen = replace(
            rollout,
            gate_results=list(decision.results),
            step_predictions=steps.predictions_seen(rollout, observation),
        )
        match decision:
            case steps.GoBack():
                ending = Ending(
                    cause=Cause.GATE,
                    reason=f"{where}: {decision.failed.in_words}",
                    actor=ACTOR,
                    evidence={"step": rollout.step, "gates": msgspec.to_builtins(decision.results)},
                )
                failed = gate_fact(facts.GateFailed, rollout, decision.failed)
                return await self._go_back(lease, ending, failed, seen=seen), 0
            case steps.Advance():
                passed = [
                    gate_fact(facts.GatePassed, rollout, result) for result in decision.results
                ]
                moved = await self._change(
                    lease,
                    lambda _: passed,
                    lambda needs_approval: steps.advance(
                        rollout, now, needs_approval=needs_approval
                    ),
                    f"{where} ended",
                )
                return moved, 0
        seen = replace(seen, waiting_for=decision.waiting_for)
        if seen == rollout:
            return lease.stored, self._pace_s
        return await self._store(lease, seen), self._pace_s

    async def _promote(self, lease: Lease) -> Stored:
        rollout = lease.stored.rollout
        if not rollout.has_moved_alias:
            moved = await self._store(lease, replace(rollout, has_moved_alias=True))
            lease, rollout = replace(lease, stored=moved), moved.rollout
        await self._hold(lease)
        await self._aliases.point(rollout.tenant, rollout.model, rollout.version)
        now = self._clock()
        try:
            return await self._change(
                lease,
                lambda model: commands.promote(model, rollout.id),
                lambda _: steps.finish(rollout, RolloutState.COMPLETED, now),
                rollout.reason,
                # Going back is one person's doing from its beginning to its end.
                actor=rollout.started_by if rollout.kind is Kind.ROLLBACK else ACTOR,
            )
        except ApprovalMissing:
            # Four eyes were asked for while it was on its way: it waits where it came from.
            await self._restore_alias(lease)
            return await self._change(
                lease,
                lambda _: (),
                lambda _: steps.await_approval(rollout, now),
                "four eyes were asked for",
            )

    async def _go_back(
        self, lease: Lease, ending: Ending, *events: Fact, seen: Rollout | None = None
    ) -> Stored:
        rollout, now = seen or lease.stored.rollout, self._clock()
        return await self._change(
            lease,
            lambda _: events,
            lambda _: steps.go_back(rollout, ending, now),
            ending.reason,
        )

    async def _end(self, lease: Lease) -> Stored:
        """The former deployment is in force: let the alias follow, and close."""
        rollout, now = lease.stored.rollout, self._clock()
        ending = rollout.ending or _WITHOUT_REASON
        if rollout.has_moved_alias:
            await self._restore_alias(lease)
        is_refused = ending.cause is Cause.REFUSED
        state = RolloutState.FAILED if is_refused else RolloutState.ROLLED_BACK
        return await self._change(
            lease,
            lambda model: commands.roll_back(model, rollout.id, ending.cause, ending.evidence),
            lambda _: steps.finish(rollout, state, now),
            ending.reason,
            actor=ending.actor,
        )

    async def _restore_alias(self, lease: Lease) -> None:
        """Let the alias name who was champion when the rollout began."""
        rollout = lease.stored.rollout
        await self._hold(lease)
        if rollout.champion is None:
            await self._aliases.remove(rollout.tenant, rollout.model)
        else:
            champion = int(rollout.champion.version)
            await self._aliases.point(rollout.tenant, rollout.model, champion)

    async def _hold(self, lease: Lease) -> None:
        """Go no further without the lease: MLflow would do as it is told. What slips through all
        the same, stopped behind this line, the `AliasKeeper` sets right."""
        async with self._database.transaction() as connection:
            await rollout_store.hold(connection, lease.stored, lease.fence)

    async def _store(self, lease: Lease, rollout: Rollout) -> Stored:
        """Change what is nobody's news."""
        async with self._database.transaction() as connection:
            await rollout_store.hold(connection, lease.stored, lease.fence)
            return await rollout_store.save(connection, replace(lease.stored, rollout=rollout))

    async def _change(
        self,
        lease: Lease,
        decide: Callable[[Model], Sequence[Fact]],
        move: Move,
        reason: str,
        actor: str = ACTOR,
    ) -> Stored:
        async with self._database.transaction() as connection:
            return await self._record.change(
                connection, lease.stored, decide, move, actor, reason, fence=lease.fence
            )


def _is_asked(rollout: Rollout, state: GuardState) -> bool:
    """Whether the guard was asked for what the rollout wants now, and for nothing since."""
    wish = wish_of(rollout)
    return rollout.wish == wish and state.wish == wish and state.generation == rollout.generation


def _needed(rollout: Rollout) -> str | None:
    """The version that must be ready; None where the guard's own bundle answers."""
    if rollout.state is not RolloutState.ROLLING_BACK:
        return rollout.candidate.version
    return None if rollout.champion is None else rollout.champion.version
