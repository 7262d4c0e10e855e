"""What a policy decides, and which policies there cannot be."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.judging.decision import Decision, strictest
from model_api.domain.judging.policy import (
    ATTACK,
    DEFAULT_POLICY,
    Mode,
    Policy,
    PolicyInvalid,
    Rule,
    Threshold,
    check_against,
    decide,
)

POINTS = {"sensitive": 0.3, "balanced": 0.6, "strict": 0.9}
CATEGORIES = ("jailbreak", "prompt_extraction")

scores = st.floats(0, 1)
thresholds = st.one_of(scores, st.sampled_from(sorted(POINTS)))
rules = st.one_of(
    st.builds(Rule, flag=thresholds, block=st.none() | thresholds),
    st.builds(Rule, block=thresholds),
)
policies = st.builds(
    Policy,
    name=st.just("any"),
    version=st.just(1),
    mode=st.sampled_from(Mode),
    rules=st.dictionaries(st.sampled_from([ATTACK, *CATEGORIES]), rules, min_size=1),
)


def make(rule: Rule, **fields: object) -> Policy:
    return replace(Policy(name="mine", version=1, rules={ATTACK: rule}), **fields)  # type: ignore[arg-type]


@given(policy=policies, lower=st.tuples(scores, scores, scores), data=st.data())
def test_more_score_is_never_more_lenient(
    policy: Policy, lower: tuple[float, float, float], data: st.DataObject
) -> None:
    higher = [data.draw(st.floats(score, 1)) for score in lower]
    mild = decide(policy, lower[0], dict(zip(CATEGORIES, lower[1:], strict=True)), POINTS)
    stern = decide(policy, higher[0], dict(zip(CATEGORIES, higher[1:], strict=True)), POINTS)
    assert mild.decision.severity <= stern.decision.severity
    assert mild.would_be_decision.severity <= stern.would_be_decision.severity


@given(policy=policies, score=scores, categories=st.tuples(scores, scores))
def test_a_verdict_names_the_lowest_threshold_of_its_action_that_was_reached(
    policy: Policy, score: float, categories: tuple[float, float]
) -> None:
    reached = dict(zip(CATEGORIES, categories, strict=True)) | {ATTACK: score}
    verdict = decide(policy, score, reached, POINTS)
    passed = [
        (action, limit)
        for category, rule in policy.rules.items()
        for action, wanted in ((Decision.FLAG, rule.flag), (Decision.BLOCK, rule.block))
        if wanted is not None
        for limit in [POINTS[wanted] if isinstance(wanted, str) else wanted]
        if reached[category] >= limit
    ]
    outcome = strictest(action for action, _ in passed)
    assert verdict.would_be_decision is outcome
    limits = [limit for action, limit in passed if action is outcome]
    assert verdict.threshold == (min(limits) if limits else None)


@given(policy=policies, score=scores)
def test_monitor_mode_allows_and_says_what_it_would_have_done(policy: Policy, score: float) -> None:
    categories = dict.fromkeys(CATEGORIES, score)
    enforced = decide(replace(policy, mode=Mode.ENFORCE), score, categories, POINTS)
    monitored = decide(replace(policy, mode=Mode.MONITOR), score, categories, POINTS)
    assert monitored.decision is Decision.ALLOW
    assert monitored.would_be_decision is enforced.would_be_decision is enforced.decision


@pytest.mark.parametrize(
    ("score", "decision"),
    [
        (0.29, Decision.ALLOW),
        (0.3, Decision.FLAG),
        (0.59, Decision.FLAG),
        (0.6, Decision.BLOCK),
    ],
)
def test_the_default_policy_flags_and_blocks_at_operating_points(
    score: float, decision: Decision
) -> None:
    assert decide(DEFAULT_POLICY, score, {}, POINTS).decision is decision


def test_a_category_has_a_threshold_of_its_own() -> None:
    policy = Policy(name="mine", version=1, rules={"jailbreak": Rule(block=0.5)})
    assert decide(policy, 0.9, {"jailbreak": 0.4}, POINTS).decision is Decision.ALLOW
    assert decide(policy, 0.9, {"jailbreak": 0.5}, POINTS).decision is Decision.BLOCK


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"weather": Rule(block=0.5)}, "rules.weather"),
        ({ATTACK: Rule(block="lenient")}, "rules.attack.block"),
    ],
)
def test_what_the_model_lacks_is_refused_when_written_and_when_judged_by(
    rules: dict[str, Rule], field: str
) -> None:
    policy = Policy(name="mine", version=1, rules=rules)
    with pytest.raises(PolicyInvalid) as written:
        check_against(policy, CATEGORIES, POINTS)
    with pytest.raises(PolicyInvalid) as judged:
        decide(policy, 1.0, dict.fromkeys(CATEGORIES, 1.0), POINTS)
    assert written.value.field == judged.value.field == field


def test_an_unknown_operating_point_is_answered_with_the_known_ones() -> None:
    with pytest.raises(PolicyInvalid, match="balanced, sensitive, strict"):
        check_against(make(Rule(block="lenient")), CATEGORIES, POINTS)


@pytest.mark.parametrize("rule", [Rule(flag=0.7, block=0.6), Rule(flag="strict", block="balanced")])
def test_a_flag_that_could_never_be_raised_is_refused(rule: Rule) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        check_against(make(rule), CATEGORIES, POINTS)
    assert refused.value.field == "rules.attack.flag"


def test_the_default_policy_passes_its_own_check() -> None:
    check_against(DEFAULT_POLICY, CATEGORIES, POINTS)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, math.nan, math.inf, 2])
def test_thresholds_are_scores(threshold: Threshold) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        make(Rule(block=threshold))
    assert refused.value.field == "rules.attack.block"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Loud"),
        ("name", "a b"),
        ("name", "-a"),
        ("name", "a\n"),
        ("name", "a" * 65),
        ("version", -1),
        ("deadline_ms", 0),
        ("deadline_ms", 60_001),
        ("rules", {}),
        ("rules", {f"c{number}": Rule(block=0.5) for number in range(33)}),
    ],
)
def test_no_policy_has_such_a_field(field: str, value: object) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        make(Rule(block=0.5), **{field: value})
    assert refused.value.field == field


def test_a_rule_must_do_something() -> None:
    with pytest.raises(PolicyInvalid, match=r"rules\.attack: must flag, block, or both"):
        make(Rule())


def test_decisions_are_ordered_by_severity() -> None:
    ordered = sorted(Decision, key=lambda decision: decision.severity)
    assert ordered == [Decision.ALLOW, Decision.FLAG, Decision.BLOCK]
    assert strictest([Decision.FLAG, Decision.BLOCK, Decision.ALLOW]) is Decision.BLOCK
    assert strictest([]) is Decision.ALLOW
