"""Rollouts against a peer that keeps the guard's contract, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from training.adapters.lifecycle.event_store import load_stream, read_history
from training.adapters.postgres import Database
from training.adapters.rollout.store import RolloutMoved
from training.domain.lifecycle import refusals
from training.domain.lifecycle.model import VersionState
from training.domain.rollout.plan import OnInsufficientTraffic, Stage, Step
from training.domain.rollout.refusals import StepIllegal
from training.domain.rollout.rollout import Cause, RolloutState
from training.tests.support import rollout_world
from training.tests.support.rollout_world import (
    ALL,
    ANA,
    BEN,
    BUSY,
    ERRORS,
    HALF,
    NAME,
    NEVER,
    SHADOW,
    TENANT,
    World,
    running,
)
from training.tests.support.signing_vectors import TRUSTED
from training.tests.support.waiting import eventually


@pytest.fixture
async def still_world(database: Database) -> AsyncIterator[World]:
    """The parts, with nobody who advances rollouts."""
    async with rollout_world.still_world(database) as world:
        yield world


@pytest.fixture
async def world(still_world: World) -> AsyncIterator[World]:
    async with running(still_world.runner):
        yield still_world


async def test_a_version_becomes_champion_step_by_step(world: World) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    world.peer.counts = {"shadow": BUSY, "canary": BUSY, "champion": BUSY}
    done = await world.until(await world.start(2, SHADOW, HALF, ALL), RolloutState.COMPLETED)
    assert [each.roles for each in world.peer.deployments] == [
        {"warm": "1"},
        {"champion": "1"},
        {"champion": "1", "warm": "2"},
        {"champion": "1", "shadow": "2"},
        {"champion": "1", "canary": "2", "weight": "0.5"},
        {"champion": "1", "canary": "2", "weight": "1"},
        {"champion": "2", "warm": "1"},
    ]
    generations = [each.generation for each in world.peer.deployments]
    assert generations == sorted(set(generations))
    assert world.peer.aliases == ["1", "2"]
    assert await world.events(2) == [
        "VersionRegistered",
        "RolloutStarted",
        "VersionStaged",
        "ShadowStarted",
        "CanaryStarted",
        "CanaryStarted",
        "Promoted",
    ]
    assert await world.state_of(1) is VersionState.RETIRED
    assert done.finished_at is not None
    await world.is_sound()


async def test_a_failed_gate_rolls_back_by_itself_and_says_why(world: World) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    world.peer.counts = {
        "shadow": BUSY,
        "champion": BUSY,
        "canary": {"predictions": 80, "errors": 20},
    }
    rollout = await world.start(2, SHADOW, NEVER, gates=ERRORS)
    done = await world.until(rollout, RolloutState.ROLLED_BACK)
    assert done.ending is not None
    assert done.ending.cause is Cause.GATE
    assert done.ending.reason == (
        "step 2 of 2: error rate 0.25 exceeds 0.1 (80 predictions in 60 s)"
    )
    assert done.ending.evidence["gates"][0]["measured"] == 0.25
    assert [result.measured for result in done.gate_results] == [0.25]
    assert (await world.events(2))[-2:] == ["GateFailed", "RolledBack"]
    assert world.peer.deployments[-1].roles == {"champion": "1"}
    assert world.peer.aliases == ["1"]
    assert await world.state_of(2) is VersionState.ROLLED_BACK
    assert await world.state_of(1) is VersionState.CHAMPION
    await world.is_sound()


async def test_a_passed_gate_is_evidence(world: World) -> None:
    await world.register(1)
    world.peer.counts = {"canary": {**BUSY, "errors": 2}}
    done = await world.until(await world.start(1, HALF, gates=ERRORS), RolloutState.COMPLETED)
    assert done.state is RolloutState.COMPLETED
    assert "GatePassed" in await world.events(1)


async def test_too_little_traffic_holds_and_says_so(world: World) -> None:
    await world.register(1)
    short = Step(stage=Stage.CANARY, share=0.5, minutes=0.001)
    world.peer.counts = {"canary": {"predictions": 7}}
    rollout = await world.start(1, short, gates=ERRORS)
    held = await world.until_true(
        rollout, lambda each: each.waiting_for is not None and each.entered_at is not None
    )
    assert (
        held.waiting_for == "error rate: too little traffic, 7 predictions in 60 s, 50 are needed"
    )
    world.peer.counts = {"canary": {"predictions": 70}}
    await world.until(rollout, RolloutState.COMPLETED)


async def test_too_little_traffic_can_be_ignored(world: World) -> None:
    await world.register(1)
    short = Step(stage=Stage.CANARY, share=0.5, minutes=0.001)
    rollout = await world.start(
        1, short, gates=ERRORS, on_insufficient_traffic=OnInsufficientTraffic.CONTINUE
    )
    await world.until(rollout, RolloutState.COMPLETED)


async def test_a_refused_bundle_fails_the_rollout(world: World) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    world.peer.not_ready["2"] = ("refused", "weights.npy: differs from what was signed")
    done = await world.until(await world.start(2, SHADOW), RolloutState.FAILED)
    assert done.ending is not None
    assert "weights.npy: differs" in done.ending.reason
    assert world.peer.deployments[-1].roles == {"champion": "1"}
    assert await world.state_of(2) is VersionState.ROLLED_BACK
    await world.is_sound()


async def test_a_model_that_the_guard_does_not_serve_fails(world: World) -> None:
    await world.register(1)
    world.peer.serves = "another"
    done = await world.until(await world.start(1), RolloutState.FAILED)
    assert done.ending is not None
    assert done.ending.reason.startswith("model_api answered 404 MODEL_NOT_FOUND")
    assert world.peer.deployments == []
    assert await world.state_of(1) is VersionState.ROLLED_BACK


async def test_a_rollout_that_never_reached_the_guard_is_undone_without_it(world: World) -> None:
    await world.register(1)
    world.peer.away = True
    rollout = await world.start(1)
    await world.until_true(rollout, lambda each: each.waiting_for is not None)
    await world.changes.roll_back(ANA, NAME, rollout.id, "the guard is gone")
    await world.until(rollout, RolloutState.ROLLED_BACK)


async def test_a_replica_that_is_behind_is_waited_for(world: World) -> None:
    await world.register(1)
    world.peer.behind = {world.peer.replicas[1]}
    rollout = await world.start(1)
    held = await world.until_true(rollout, lambda each: each.waiting_for is not None)
    assert held.waiting_for == "1 of 2 replicas have not taken up the deployment yet"
    assert held.state is RolloutState.STAGING
    world.peer.behind = set()
    await world.until(rollout, RolloutState.COMPLETED)


@pytest.mark.parametrize("what", ["away", "mlflow_away"])
async def test_what_is_away_is_waited_for_and_nothing_is_half_done(world: World, what: str) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    setattr(world.peer, what, True)
    rollout = await world.start(2)
    held = await world.until_true(
        rollout, lambda each: each.waiting_for is not None and "answer" in each.waiting_for
    )
    assert held.state is (RolloutState.STAGING if what == "away" else RolloutState.PROMOTING)
    assert await world.state_of(1) is VersionState.CHAMPION
    assert world.peer.alias == "1"
    setattr(world.peer, what, False)
    await world.until(rollout, RolloutState.COMPLETED)
    assert world.peer.alias == "2"


async def test_a_rollback_is_one_call_and_takes_the_alias_along(world: World) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    await world.champion_is(2)
    back = await world.changes.start_rollback(ANA, NAME, "customers complain")
    assert back.state is RolloutState.PROMOTING
    await world.until(back, RolloutState.COMPLETED)
    assert world.peer.deployments[-1].roles == {"champion": "1"}
    assert world.peer.alias == "1"
    assert await world.state_of(2) is VersionState.ROLLED_BACK
    assert await world.state_of(1) is VersionState.CHAMPION
    async with world.database.connection() as connection:
        last = (await read_history(connection, TENANT, NAME, 2, limit=200))[-1]
    assert (last.type, last.actor, last.reason) == ("RolledBack", "ana", "customers complain")
    with pytest.raises(refusals.NothingToRollBackTo):
        await world.changes.start_rollback(ANA, NAME, "again")
    await world.is_sound()


@pytest.mark.parametrize("at", [RolloutState.STAGING, RolloutState.CANARY, RolloutState.PROMOTING])
async def test_a_rollout_can_be_undone_wherever_it_is(world: World, at: RolloutState) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    if at is RolloutState.STAGING:
        world.peer.not_ready["2"] = ("loading", None)
    world.peer.mlflow_away = at is RolloutState.PROMOTING
    plan = [NEVER] if at is RolloutState.CANARY else []
    rollout = await world.start(2, *plan)
    await world.until_true(
        rollout,
        lambda each: (
            each.state is at and (each.waiting_for is not None or each.entered_at is not None)
        ),
    )
    await world.changes.roll_back(BEN, NAME, rollout.id, "I saw something")
    world.peer.mlflow_away = False
    done = await world.until(rollout, RolloutState.ROLLED_BACK)
    assert done.ending is not None
    assert (done.ending.actor, done.ending.cause) == ("ben", Cause.REQUESTED)
    assert world.peer.deployments[-1].roles == {"champion": "1"}
    assert world.peer.alias == "1"
    await world.is_sound()


async def test_the_first_champion_can_be_undone_to_the_packaged_bundle(world: World) -> None:
    await world.register(1)
    world.peer.mlflow_away = True
    rollout = await world.start(1)
    await world.until_true(
        rollout, lambda each: each.has_moved_alias and each.waiting_for is not None
    )
    world.peer.alias = "1"
    await world.changes.roll_back(ANA, NAME, rollout.id, "not yet")
    world.peer.mlflow_away = False
    await world.until(rollout, RolloutState.ROLLED_BACK)
    assert world.peer.deployments[-1].roles == {}
    assert world.peer.alias is None


async def test_a_pause_holds_and_its_gates_are_watched(world: World) -> None:
    await world.register(1)
    world.peer.counts = {"canary": {"predictions": 60}}
    rollout = await world.start(1, HALF, ALL, gates=ERRORS)
    await world.until_true(rollout, lambda each: each.entered_at is not None)
    await world.changes.pause(ANA, NAME, rollout.id, "lunch")
    world.peer.counts = {"canary": BUSY}
    seen = await world.until_true(rollout, lambda each: each.step_predictions == 200)
    assert (seen.state, seen.step) == (RolloutState.PAUSED, 0)
    with pytest.raises(StepIllegal):
        await world.changes.pause(ANA, NAME, rollout.id, "lunch")
    await world.changes.resume(ANA, NAME, rollout.id, "back")
    await world.until(rollout, RolloutState.COMPLETED)
    assert {"RolloutPaused", "RolloutResumed"} <= set(await world.events(1))


async def test_a_gate_that_fails_in_a_pause_rolls_back(world: World) -> None:
    await world.register(1)
    rollout = await world.start(1, NEVER, gates=ERRORS)
    await world.until_true(rollout, lambda each: each.entered_at is not None)
    await world.changes.pause(ANA, NAME, rollout.id, "lunch")
    world.peer.counts = {"canary": {"predictions": 60, "errors": 50}}
    await world.until(rollout, RolloutState.ROLLED_BACK)


async def test_four_eyes_wait_for_a_second_person(world: World) -> None:
    await world.register(1)
    await world.lifecycles.set_policy(ANA, NAME, True, "we are careful")
    rollout = await world.start(1)
    waiting = await world.until_true(rollout, lambda each: each.waiting_for is not None)
    await world.until(rollout, RolloutState.AWAITING_APPROVAL)
    with pytest.raises(refusals.SecondPersonNeeded):
        await world.changes.approve(ANA, NAME, rollout.id, "I like it")
    await world.lifecycles.set_policy(ANA, NAME, False, "hurry")
    seen = len(world.peer.tokens)

    async def was_looked_at() -> bool:
        return len(world.peer.tokens) > seen + 3

    await eventually(was_looked_at)
    assert (await world.get(waiting)).state is RolloutState.AWAITING_APPROVAL
    await world.changes.approve(BEN, NAME, rollout.id, "so do I")
    await world.until(rollout, RolloutState.COMPLETED)
    assert [each for each in await world.events(1) if each.startswith("Approval")] == [
        "ApprovalRequested",
        "ApprovalGiven",
    ]


async def test_four_eyes_that_come_late_hold_a_promotion_on_its_way(world: World) -> None:
    await world.register(1, 2)
    await world.champion_is(1)
    world.peer.mlflow_away = True
    rollout = await world.start(2)
    await world.until(rollout, RolloutState.PROMOTING)
    await world.lifecycles.set_policy(ANA, NAME, True, "we are careful")
    world.peer.mlflow_away = False
    await world.until(rollout, RolloutState.AWAITING_APPROVAL)
    await world.until_true(rollout, lambda each: each.waiting_for is not None)
    assert world.peer.deployments[-1].roles == {"champion": "1", "warm": "2"}
    assert world.peer.alias == "1"
    assert await world.state_of(1) is VersionState.CHAMPION
    await world.changes.approve(BEN, NAME, rollout.id, "so do I")
    await world.until(rollout, RolloutState.COMPLETED)
    assert world.peer.alias == "2"
    await world.is_sound()


async def test_promoting_skips_the_steps_and_not_the_second_person(world: World) -> None:
    await world.register(1)
    await world.lifecycles.set_policy(ANA, NAME, True, "we are careful")
    rollout = await world.start(1, NEVER)
    await world.until_true(rollout, lambda each: each.entered_at is not None)
    await world.changes.promote(BEN, NAME, rollout.id, "it is urgent")
    await world.until(rollout, RolloutState.AWAITING_APPROVAL)
    with pytest.raises(refusals.SecondPersonNeeded):
        await world.changes.approve(BEN, NAME, rollout.id, "me again")
    await world.changes.approve(ANA, NAME, rollout.id, "agreed")
    await world.until(rollout, RolloutState.COMPLETED)


async def test_a_gate_is_watched_while_a_person_is_waited_for(world: World) -> None:
    await world.register(1)
    await world.lifecycles.set_policy(ANA, NAME, True, "we are careful")
    world.peer.counts = {"canary": BUSY}
    rollout = await world.start(1, HALF, gates=ERRORS)
    await world.until(rollout, RolloutState.AWAITING_APPROVAL)
    world.peer.counts = {"canary": {"predictions": 60, "errors": 50}}
    await world.until(rollout, RolloutState.ROLLED_BACK)


async def test_one_rollout_at_a_time(still_world: World) -> None:
    await still_world.register(1, 2)
    first = await still_world.start(1)
    with pytest.raises(refusals.RolloutActive) as refusal:
        await still_world.start(2)
    assert refusal.value.rollout == first.id
    with pytest.raises(refusals.TransitionIllegal):
        await still_world.lifecycles.reject(ANA, NAME, 1, "no")


async def test_what_is_worse_must_be_accepted(world: World) -> None:
    await world.register(1)
    await world.champion_is(1)
    await world.register(2, verdict="worse")
    with pytest.raises(refusals.EvaluationWorse):
        await world.start(2)
    await world.until(await world.start(2, accept_worse=True), RolloutState.COMPLETED)


async def test_what_was_found_worse_than_this_champion_later_must_be_accepted_too(
    world: World,
) -> None:
    await world.register(1, 2)
    await world.champion_is(1)

    async def judged(verdict: str, against: int) -> None:
        async with world.database.connection() as connection:
            await connection.execute(
                "INSERT INTO evaluations (id, tenant, job_id, model, version, against,"
                " report_digest, report, comparison, created_by, created_at)"
                " VALUES ($1, $2, $3, $4, 2, $5, '', '{}', $6, 'ana', now())",
                uuid7(),
                TENANT,
                uuid4(),
                NAME,
                against,
                f'{{"verdict":"{verdict}"}}',
            )

    await judged("better", against=1)
    await judged("worse", against=1)
    await judged("better", against=7)
    with pytest.raises(refusals.EvaluationWorse):
        await world.start(2)
    await judged("undecided", against=1)
    await world.until(await world.start(2), RolloutState.COMPLETED)


async def test_somebody_elses_deployment_is_overruled(world: World) -> None:
    await world.register(1)
    rollout = await world.start(1, NEVER)
    asked = await world.until_true(rollout, lambda each: each.entered_at is not None)
    ours = world.peer.desired
    assert ours is not None
    world.peer.desired = type(ours)(
        generation=ours.generation + 5,
        reason="an operator's",
        rollout_id=None,
        champion=None,
        canary=None,
        shadow=None,
        warm=[],
    )
    await world.until_true(rollout, lambda each: (each.generation or 0) > (asked.generation or 0))

    async def is_overruled() -> bool:
        return world.peer.deployments[-1].generation == ours.generation + 6

    await eventually(is_overruled)
    assert world.peer.deployments[-1].roles == ours.roles


async def test_two_runners_do_it_once(still_world: World) -> None:
    """Several replicas of the service share the work, under leases."""
    await still_world.register(1, 2)
    still_world.peer.counts = {"shadow": BUSY, "canary": BUSY, "champion": BUSY}
    async with (
        running(still_world.runner),
        running(still_world.runner),
        running(still_world.runner),
    ):
        await still_world.champion_is(1)
        await still_world.until(
            await still_world.start(2, SHADOW, HALF, ALL), RolloutState.COMPLETED
        )
    assert len(still_world.peer.deployments) == 7
    assert (await still_world.events(2)).count("CanaryStarted") == 2
    await still_world.is_sound()


async def test_a_runner_that_lost_its_lease_changes_nothing(still_world: World) -> None:
    """It comes back after a long sleep, in the middle of a step that another has finished."""
    await still_world.register(1)
    rollout = await still_world.start(1)
    lost = await still_world.claim(lease_s=0.0)
    held = await still_world.claim(lease_s=30.0)
    with pytest.raises(RolloutMoved):
        await still_world.hold(lost)
    await still_world.hold(held)
    assert (await still_world.get(rollout)).state is RolloutState.STAGING


async def test_the_model_and_the_rollout_agree(world: World) -> None:
    await world.register(1)
    await world.champion_is(1)
    async with world.database.connection() as connection:
        stream = await load_stream(connection, TENANT, NAME, TRUSTED.trusted)
    assert stream.model.rollout is None
    assert stream.model.champion == 1
