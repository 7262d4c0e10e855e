"""From a text to a judgement, with a detector that looks for one word."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.judging.decision import Decision
from model_api.domain.judging.guard import DetectorFailed, judge
from model_api.domain.judging.judgement import ScoredSpan
from model_api.domain.judging.policy import DEFAULT_POLICY, Mode, Policy, PolicyInvalid, Rule
from model_api.tests.support.word_detector import WordDetector


def test_a_text_is_normalised_before_it_is_judged() -> None:
    judgement = judge("an \u0430tt\u200b\u0430ck", WordDetector(), DEFAULT_POLICY)
    assert judgement.decision is judgement.would_be_decision is Decision.BLOCK
    assert judgement.score == 0.95
    assert judgement.categories == {"jailbreak": 0.475}
    assert [signal.name for signal in judgement.signals] == ["zero_width", "confusables"]


def test_the_windows_that_decided_are_told_in_places_of_the_original() -> None:
    text = "\u200b" * 5 + "x" * 100 + "&amp;" * 10 + " attack " + "y" * 100
    judgement = judge(text, WordDetector(), DEFAULT_POLICY)
    assert judgement.spans
    assert len(judgement.spans) < len(judgement.windows)
    for span in judgement.spans:
        assert span.score == 0.95
        assert "attack" in text[span.start : span.end]
    assert judgement.windows[0].start == 0
    assert judgement.windows[-1].end == len(text)


def test_a_window_below_the_deciding_threshold_is_not_among_the_spans() -> None:
    policy = replace(DEFAULT_POLICY, rules={"attack": Rule(flag=0.05, block=0.99)})
    text = "x" * 60 + " attack " + "y" * 60
    flagged = judge(text, WordDetector(), policy)
    assert flagged.decision is Decision.FLAG
    assert flagged.spans == flagged.windows
    blocked = judge(text, WordDetector(high=1.0), policy)
    assert blocked.decision is Decision.BLOCK
    assert {span.score for span in blocked.spans} == {1.0}


def test_an_allowed_text_has_no_spans() -> None:
    judgement = judge("a quiet day", WordDetector(), DEFAULT_POLICY)
    assert judgement.decision is Decision.ALLOW
    assert judgement.spans == ()
    assert judgement.windows == (ScoredSpan(0, 11, 0.1),)


def test_monitor_mode_keeps_the_grounds() -> None:
    policy = replace(DEFAULT_POLICY, mode=Mode.MONITOR)
    judgement = judge("attack", WordDetector(), policy)
    assert judgement.decision is Decision.ALLOW
    assert judgement.would_be_decision is Decision.BLOCK
    assert judgement.spans == (ScoredSpan(0, 6, 0.95),)


def test_a_category_that_decides_shows_the_windows_that_it_may_come_from() -> None:
    policy = Policy(name="mine", version=1, rules={"jailbreak": Rule(block=0.4)})
    judgement = judge("x" * 60 + " attack", WordDetector(), policy)
    assert judgement.decision is Decision.BLOCK
    assert {span.score for span in judgement.spans} == {0.95}


@pytest.mark.parametrize("text", ["", "\u200b\u200b"])
def test_a_text_with_nothing_to_see_is_judged_too(text: str) -> None:
    judgement = judge(text, WordDetector(), DEFAULT_POLICY)
    assert judgement.decision is Decision.ALLOW
    assert judgement.windows == (ScoredSpan(0, len(text), 0.1),)


@given(st.text(st.characters(codec=None)))
def test_any_string_is_judged_and_all_of_it_is_in_some_window(text: str) -> None:
    judgement = judge(text, WordDetector(), DEFAULT_POLICY)
    covered = set().union(*(range(window.start, window.end) for window in judgement.windows))
    assert covered == set(range(len(text)))


@pytest.mark.parametrize("score", [math.nan, -0.1, 1.1])
def test_a_score_that_is_none_is_never_a_decision(score: float) -> None:
    with pytest.raises(DetectorFailed, match=r"word 1\.0\.0"):
        judge("attack", WordDetector(high=score), DEFAULT_POLICY)


def test_a_policy_that_the_model_cannot_judge_by_is_never_a_decision() -> None:
    policy = Policy(name="mine", version=1, rules={"attack": Rule(block="lenient")})
    with pytest.raises(PolicyInvalid):
        judge("attack", WordDetector(), policy)
