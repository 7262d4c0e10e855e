"""The laws of gates, plans and steps, for whatever is measured and whoever asks for what."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.domain.rollout import steps
from training.domain.rollout.deployment import (
    Placed,
    Replica,
    ReplicaVersion,
    ReplicaVersionState,
    Standing,
    standing,
)
from training.domain.rollout.measures import Counts, Observation, Outcome, Window, judge
from training.domain.rollout.plan import (
    Gate,
    Gates,
    OnInsufficientTraffic,
    PlanInvalid,
    Stage,
    Step,
    StickyBy,
    check_gates,
    check_plan,
)
from training.domain.rollout.refusals import StepIllegal
from training.domain.rollout.rollout import (
    Cause,
    Ending,
    Kind,
    Rollout,
    RolloutState,
    wish_of,
)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NEW = Placed(version="2", digest="sha256:2", location="default/detector/2")
OLD = Placed(version="1", digest="sha256:1", location="default/detector/1")
SPARE = Placed(version="0", digest="sha256:0", location="default/detector/0")
GATE = Gate(maximum=0.1, window_seconds=60, minimum=50)
ENDING = Ending(cause=Cause.REQUESTED, reason="why not", actor="ana")
NAMES = [field.name for field in fields(Gates)]

shares = st.floats(0.01, 1)
canaries = st.lists(shares, max_size=4, unique=True).map(sorted)
plans = st.builds(
    lambda shadows, weights: (
        *(Step(stage=Stage.SHADOW, share=share, predictions=100) for share in shadows),
        *(Step(stage=Stage.CANARY, share=share, minutes=1.0) for share in weights),
    ),
    st.lists(shares, max_size=2),
    canaries,
)
numbers = st.integers(0, 10**6)
counts = st.builds(
    lambda predictions, errors, blocked, latency, compared, differing, feedback, against: Counts(
        version="2",
        role="canary",
        predictions=predictions,
        errors=min(errors, predictions),
        blocked=min(blocked, predictions - min(errors, predictions)),
        latency_p95_ms=latency,
        compared=compared,
        disagreements=min(differing, compared),
        feedback=feedback,
        contradicting=min(against, feedback),
    ),
    numbers,
    numbers,
    numbers,
    st.none() | st.floats(0, 1e6),
    numbers,
    numbers,
    numbers,
    numbers,
)


def a_rollout(plan: Sequence[Step], **changes: object) -> Rollout:
    made = Rollout(
        id=UUID(int=1),
        tenant="default",
        model="detector",
        kind=Kind.ROLLOUT,
        version=2,
        candidate=NEW,
        champion=OLD,
        spare=SPARE,
        plan=plan,
        gates=Gates(error_rate=GATE),
        sticky_by=StickyBy.SESSION,
        on_insufficient_traffic=OnInsufficientTraffic.HOLD,
        accept_worse=False,
        reason="it is better",
        started_by="ana",
        created_at=BEGAN,
        changed_at=BEGAN,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the test names the fields


def seen(predictions: int, errors: int = 0, role: str = "canary") -> Observation:
    window = Window(60, [Counts(version="2", role=role, predictions=predictions, errors=errors)])
    return Observation(window, {"error_rate": window})


HALF = Step(stage=Stage.CANARY, share=0.5, predictions=100)
IN_CANARY = a_rollout([HALF], state=RolloutState.CANARY, entered_at=BEGAN)


@given(ours=counts, theirs=counts, name=st.sampled_from(NAMES), stage=st.sampled_from(Stage))
def test_a_gate_speaks_only_of_what_it_has_seen(
    ours: Counts, theirs: Counts, name: str, stage: Stage
) -> None:
    window = Window(60, [replace(ours, role=stage.value), replace(theirs, role="champion")])
    step = Step(stage=stage, share=0.5, predictions=1)
    result = judge(name, GATE, window, step, "2")
    if result is None:
        assert (name, stage) == ("disagreement", Stage.CANARY)
        return
    is_enough = result.sample_size >= GATE.minimum and result.measured is not None
    assert (result.outcome is not Outcome.TOO_LITTLE_TRAFFIC) == is_enough
    if result.outcome is Outcome.FAILED:
        assert result.measured is not None
        assert result.measured > GATE.maximum
    assert result.in_words


@given(ours=counts, name=st.sampled_from(NAMES))
def test_nobody_is_compared_with_a_champion_that_answers_nobody(ours: Counts, name: str) -> None:
    everybody = Step(stage=Stage.CANARY, share=1.0, predictions=1)
    result = judge(name, GATE, Window(60, [ours]), everybody, "2")
    assert (result is None) == (name in ("latency_ratio", "block_rate_shift", "disagreement"))


@given(plan=plans, approvals=st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_rollout_goes_through_its_plan_and_no_further(
    plan: tuple[Step, ...], approvals: list[bool]
) -> None:
    check_plan(plan)
    rollout, visited = a_rollout(plan), []
    for needs_approval in approvals:
        rollout = steps.advance(rollout, BEGAN, needs_approval=needs_approval)
        if rollout.current_step is None:
            break
        visited.append(rollout.current_step)
        wish = wish_of(rollout)
        assert wish.champion == OLD
        assert (wish.canary is None) != (wish.shadow is None)
        rollout = steps.follow(rollout, BEGAN)
    assert visited == list(plan)
    behind = (RolloutState.PROMOTING, RolloutState.AWAITING_APPROVAL)
    assert rollout.state in behind


@given(
    plan=plans,
    moves=st.lists(st.sampled_from(["advance", "pause", "resume", "skip", "approve", "back"])),
)
def test_the_new_version_answers_alone_only_once_it_may(
    plan: tuple[Step, ...], moves: list[str]
) -> None:
    """Whatever is asked for, in whatever order: a champion comes by approval or without need."""
    rollout, approved, now = a_rollout(plan), False, BEGAN
    for move in moves:
        now += timedelta(seconds=30)
        before = rollout
        try:
            match move:
                case "advance" if rollout.state in (
                    RolloutState.STAGING,
                    RolloutState.SHADOW,
                    RolloutState.CANARY,
                ):
                    rollout = steps.advance(rollout, now, needs_approval=True)
                    rollout = steps.follow(rollout, now) if rollout.current_step else rollout
                case "pause":
                    rollout = steps.pause(rollout, now)
                case "resume":
                    rollout = steps.resume(rollout, now)
                    assert rollout.state is rollout.phase
                case "skip":
                    rollout = steps.skip_steps(rollout, now, needs_approval=True)
                case "approve":
                    rollout = steps.approve(rollout, now)
                    approved = True
                case "back":
                    rollout = steps.go_back(rollout, ENDING, now)
        except StepIllegal:
            assert rollout == before
        assert rollout.elapsed(now) >= timedelta()
        wish = wish_of(rollout)
        if wish.champion != OLD:
            assert wish.champion == NEW
            assert approved
            assert rollout.state is RolloutState.PROMOTING
        if rollout.state is RolloutState.ROLLING_BACK:
            assert (wish.champion, wish.canary, wish.shadow) == (OLD, None, None)
        assert msgspec.json.decode(msgspec.json.encode(rollout), type=Rollout) == replace(
            rollout, plan=list(rollout.plan), gate_results=list(rollout.gate_results)
        )


def test_a_failed_gate_counts_before_the_end_of_the_step_and_in_a_pause() -> None:
    for rollout in (IN_CANARY, steps.pause(IN_CANARY, BEGAN)):
        decision = steps.decide(rollout, seen(60, errors=30), BEGAN)
        assert isinstance(decision, steps.GoBack)
        assert decision.failed.gate == "error_rate"


def test_a_step_ends_by_predictions_or_by_minutes() -> None:
    assert isinstance(steps.decide(IN_CANARY, seen(99), BEGAN), steps.Stay)
    assert isinstance(steps.decide(IN_CANARY, seen(100), BEGAN), steps.Advance)
    timed = replace(IN_CANARY, plan=[replace(HALF, minutes=1.0)])
    assert isinstance(steps.decide(timed, seen(60), BEGAN + timedelta(seconds=59)), steps.Stay)
    assert isinstance(steps.decide(timed, seen(60), BEGAN + timedelta(seconds=60)), steps.Advance)


def test_too_little_traffic_holds_unless_told_otherwise() -> None:
    timed = replace(IN_CANARY, plan=[replace(HALF, minutes=1.0)])
    later = BEGAN + timedelta(minutes=2)
    held = steps.decide(timed, seen(7), later)
    assert isinstance(held, steps.Stay)
    assert (
        held.waiting_for == "error rate: too little traffic, 7 predictions in 60 s, 50 are needed"
    )
    careless = replace(timed, on_insufficient_traffic=OnInsufficientTraffic.CONTINUE)
    assert steps.decide(careless, seen(7), later) == steps.Advance([])


def test_a_step_awaits_no_feedback_and_heeds_what_comes() -> None:
    watched = replace(IN_CANARY, gates=Gates(error_rate=GATE, feedback=GATE))

    def after(feedback: int, contradicting: int) -> steps.Decision:
        counted = Counts(
            version="2",
            role="canary",
            predictions=100,
            feedback=feedback,
            contradicting=contradicting,
        )
        window = Window(60, [counted])
        observed = Observation(window, {"error_rate": window, "feedback": window})
        return steps.decide(watched, observed, BEGAN + timedelta(minutes=5))

    assert isinstance(after(0, 0), steps.Advance)
    assert isinstance(after(GATE.minimum, 0), steps.Advance)
    assert isinstance(after(GATE.minimum, GATE.minimum), steps.GoBack)


def test_a_pause_does_not_count_to_the_minutes() -> None:
    paused = steps.pause(IN_CANARY, BEGAN + timedelta(seconds=30))
    resumed = steps.resume(paused, BEGAN + timedelta(hours=1))
    now = BEGAN + timedelta(hours=1, seconds=20)
    assert resumed.elapsed(now) == timedelta(seconds=50)


def test_skipping_while_staging_stages_first() -> None:
    skipped = steps.skip_steps(a_rollout([HALF]), BEGAN, needs_approval=False)
    assert skipped.state is RolloutState.STAGING
    after = steps.advance(skipped, BEGAN, needs_approval=False)
    assert after.state is RolloutState.PROMOTING


def test_the_former_champion_stays_loaded_and_the_one_before_it_does_not() -> None:
    promoting = replace(a_rollout([]), state=RolloutState.PROMOTING)
    assert wish_of(promoting).warm == (OLD,)
    back = replace(promoting, kind=Kind.ROLLBACK, candidate=OLD, champion=NEW)
    assert (wish_of(back).champion, wish_of(back).warm) == (OLD, (SPARE,))


VERSION_1_READY = ReplicaVersion(version="1", state=ReplicaVersionState.READY)


def replica(generation: int | None, *versions: ReplicaVersion) -> Replica:
    return Replica(replica_id=UUID(int=1), generation=generation, versions=versions)


@pytest.mark.parametrize(
    ("replicas", "needed", "expected"),
    [
        ([], "1", Standing.WAITING),
        ([replica(5, VERSION_1_READY)], "1", Standing.APPLIED),
        ([replica(6, VERSION_1_READY)], "1", Standing.APPLIED),
        ([replica(4, VERSION_1_READY)], "1", Standing.WAITING),
        ([replica(None, VERSION_1_READY)], "1", Standing.WAITING),
        ([replica(5)], "1", Standing.WAITING),
        ([replica(5)], None, Standing.APPLIED),
        ([replica(5, VERSION_1_READY), replica(4, VERSION_1_READY)], "1", Standing.WAITING),
        (
            [
                replica(5, VERSION_1_READY),
                replica(5, replace(VERSION_1_READY, state=ReplicaVersionState.LOADING)),
            ],
            "1",
            Standing.WAITING,
        ),
        (
            [
                replica(5, VERSION_1_READY),
                replica(5, replace(VERSION_1_READY, state=ReplicaVersionState.REFUSED)),
            ],
            "1",
            Standing.REFUSED,
        ),
    ],
)
def test_every_live_replica_must_follow(
    replicas: list[Replica], needed: str | None, expected: Standing
) -> None:
    assert standing(replicas, 5, needed).standing is expected


def test_what_keeps_a_replica_from_loading_is_told() -> None:
    away = replace(
        VERSION_1_READY, state=ReplicaVersionState.LOADING, reason="the object store failed"
    )
    waiting = standing([replica(5, VERSION_1_READY), replica(5, away)], 5, "1").in_words
    assert waiting == "1 of 2 replicas have not loaded version 1 yet: the object store failed"


@pytest.mark.parametrize(
    ("plan", "pointer"),
    [
        ([replace(HALF, predictions=None)], "/plan/0"),
        ([replace(HALF, share=0.0)], "/plan/0/weight"),
        ([replace(HALF, stage=Stage.SHADOW, share=1.1)], "/plan/0/sample"),
        ([replace(HALF, minutes=0.0)], "/plan/0/minutes"),
        ([replace(HALF, predictions=0)], "/plan/0/predictions"),
        ([HALF, HALF], "/plan/1/weight"),
        ([HALF, replace(HALF, stage=Stage.SHADOW)], "/plan/1/stage"),
        ([HALF] * 21, "/plan"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(plan: list[Step], pointer: str) -> None:
    with pytest.raises(PlanInvalid) as refusal:
        check_plan(plan)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    ("gate", "pointer"),
    [
        (replace(GATE, maximum=1.5), "/gates/error_rate/maximum"),
        (replace(GATE, maximum=float("nan")), "/gates/error_rate/maximum"),
        (replace(GATE, window_seconds=1), "/gates/error_rate/window_seconds"),
        (replace(GATE, minimum=0), "/gates/error_rate/minimum_predictions"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(gate: Gate, pointer: str) -> None:
    with pytest.raises(PlanInvalid) as refusal:
        check_gates(Gates(error_rate=gate))
    assert refusal.value.pointer == pointer
    check_gates(Gates(latency_ratio=replace(GATE, maximum=1.5)))
