"""Whether a candidate is better: by known tests, by symmetry, and on cases with a known answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.domain.evaluation.compare import compare
from training.domain.evaluation.evaluate import evaluate
from training.domain.evaluation.judged import Evaluation
from training.domain.evaluation.proportions import holm, mcnemar, paired_difference
from training.domain.evaluation.suite import Measure, Suite
from training.domain.evaluation.verdict import Comparison, Verdict
from training.domain.examples import Example
from training.tests.support.judging import TableScorer, rows, suite

SIDES = {
    Verdict.BETTER: Verdict.WORSE,
    Verdict.WORSE: Verdict.BETTER,
    Verdict.UNDECIDED: Verdict.UNDECIDED,
}


def evaluated(scores: dict[str, float], *suites: Suite, version: str = "1.0.0") -> Evaluation:
    return evaluate(TableScorer(scores, version=version), suites, 1, lambda *_: None)


def scores_of(
    examples: tuple[Example, ...], recall: float, false_alarms: float, seed: int = 0
) -> dict[str, float]:
    """Scores that reach these rates at 0.5, on rows drawn by lot."""
    random = np.random.default_rng(seed)
    alarm = [random.random() < (recall if one.attack else false_alarms) for one in examples]
    return {
        one.text: float(random.uniform(0.5, 1) if high else random.uniform(0, 0.5))
        for one, high in zip(examples, alarm, strict=True)
    }


def test_mcnemars_test_against_published_values() -> None:
    """Fagerland et al. (2013), table 6 (1 and 7 discordant pairs, mid-p 0.0391), and by hand."""
    assert mcnemar(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert mcnemar(0, 5) == pytest.approx(2 / 32 - 1 / 32)
    assert mcnemar(0, 0) == mcnemar(4, 4) == 1


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_the_paired_tests_are_symmetric(first: int, second: int, agreeing: int) -> None:
    total = first + second + agreeing + 1
    low, high = paired_difference(first, second, total)

    assert 0 < mcnemar(first, second) <= 1
    assert mcnemar(first, second) == mcnemar(second, first)
    assert (low, high) == pytest.approx(
        tuple(-end for end in reversed(paired_difference(second, first, total)))
    )
    assert low <= (first - second) / total <= high


@pytest.mark.parametrize(
    ("candidate", "champion", "said"),
    [
        (3, 0, "The candidate was trained on 3 of its 20 rows, which flatters it."),
        (None, 4, "The champion was trained on 4 of its 20 rows, which flatters it."),
        (3, 4, "The candidate was trained on 3 of its 20 rows and the champion on 4, which"),
        (0, None, None),
    ],
)
def test_a_comparison_says_whom_a_suite_flatters(
    candidate: int | None, champion: int | None, said: str | None
) -> None:
    examples = rows(10, 10)

    def known(rows: int | None) -> Evaluation:
        scorer = TableScorer(scores_of(examples, 0.8, 0.1))
        trained_on = None if rows is None else (rows,)
        return evaluate(scorer, [suite(examples)], 1, lambda *_: None, trained_on)

    comparison = compare(known(candidate), known(champion), 1)

    (compared,) = comparison.suites
    assert compared.candidate_trained_on == candidate
    assert compared.champion_trained_on == champion
    if said is None:
        assert "flatter" not in comparison.summary
    else:
        assert said in comparison.summary


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_a_better_candidate_is_better_and_the_words_say_where() -> None:
    examples = rows(400, 800)
    champion = scores_of(examples, recall=0.5, false_alarms=0.05)
    candidate = {
        one.text: 0.9 if one.attack and champion[one.text] >= 0.4 else champion[one.text]
        for one in examples
    }

    compared = compare(
        evaluated(candidate, suite(examples), version="1.1.0"),
        evaluated(champion, suite(examples)),
        seed=1,
    )

    assert compared.verdict is Verdict.BETTER
    assert compared.summary.startswith("Better than detector 1.0.0, on suite.")
    recall = compared.suites[0].differences[0]
    assert (recall.axis, recall.measure, recall.verdict) == ("suite", "recall", Verdict.BETTER)
    assert recall.low < recall.difference < recall.high
    assert compared.suites[0].disagreeing == sum(
        champion[one.text] < 0.5 <= candidate[one.text] for one in examples
    )


def test_flipped_labels_make_a_worse_model() -> None:
    examples = rows(200, 400)
    champion = scores_of(examples, recall=0.8, false_alarms=0.02)
    flipped = {text: 1 - score for text, score in champion.items()}

    compared = compare(
        evaluated(flipped, suite(examples)), evaluated(champion, suite(examples)), seed=1
    )

    assert compared.verdict is Verdict.WORSE
    assert all(one.verdict is Verdict.WORSE for one in compared.suites[0].differences[:4])


def test_the_same_model_is_undecided_and_answers_alike() -> None:
    examples = rows(30, 60)
    ours = evaluated(scores_of(examples, 0.7, 0.1), suite(examples))

    compared = compare(ours, ours, seed=1)

    assert compared.verdict is Verdict.UNDECIDED
    assert "answer alike" in compared.summary
    assert all(one.p_value == 1 for one in compared.suites[0].differences)


def test_models_that_differ_by_chance_alone_are_told_apart_as_seldom_as_is_said() -> None:
    """At most 5 % of the time; in 30 comparisons that is beyond 5 once in 250 times."""
    examples = rows(40, 80)
    decided = 0
    for seed in range(30):
        ours, theirs = (
            evaluated(
                scores_of(examples, 0.6, 0.1, 2 * seed + one), suite(examples, Measure.SLICES)
            )
            for one in (0, 1)
        )
        compared = compare(ours, theirs, seed)
        assert any(one.difference for one in compared.suites[0].differences)
        decided += compared.verdict is not Verdict.UNDECIDED

    assert decided <= 5


def test_a_moved_threshold_alone_is_a_trade_and_undecided() -> None:
    examples = rows(300, 600)
    scores = scores_of(examples, recall=0.6, false_alarms=0.1)
    champion = evaluated(scores, suite(examples))
    loose = TableScorer(scores, operating_points={"balanced": 0.3})
    candidate = evaluate(loose, [suite(examples)], 1, lambda *_: None)

    compared = compare(candidate, champion, seed=1)

    by_measure = {one.measure: one.verdict for one in compared.suites[0].differences[:4]}
    assert by_measure["recall"] is Verdict.BETTER
    assert by_measure["false_positive_rate"] is Verdict.WORSE
    assert compared.verdict is Verdict.UNDECIDED
    assert "a trade" in compared.summary


def test_better_here_and_worse_there_is_undecided_and_says_so() -> None:
    here, there = rows(200, 300, "here"), rows(200, 300, "there")
    there = tuple(Example(f"{one.text} there", *_rest(one)) for one in there)
    good, poor = (0.9, 0.02), (0.4, 0.02)
    suites = [suite(here, name="here"), suite(there, name="there")]
    ours = scores_of(here, *good) | scores_of(there, *poor)
    theirs = scores_of(here, *poor) | scores_of(there, *good)

    compared = compare(evaluated(ours, *suites), evaluated(theirs, *suites), seed=1)

    assert compared.verdict is Verdict.UNDECIDED
    assert "better on here, worse on there" in compared.summary


def test_a_difference_in_one_source_is_found_there() -> None:
    common = rows(300, 300, "common")
    rare = tuple(Example(f"{one.text} rare", *_rest(one)) for one in rows(60, 0, "rare"))
    examples = common + rare
    theirs = scores_of(examples, 0.8, 0.05)
    ours = theirs | {one.text: 0.1 for one in rare}

    compared = compare(evaluated(ours, suite(examples)), evaluated(theirs, suite(examples)), seed=1)

    worse = {
        (one.axis, one.group)
        for one in compared.suites[0].differences
        if one.axis != "suite" and one.verdict is Verdict.WORSE
    }
    assert ("source", "rare") in worse
    assert ("source", "common") not in worse
    assert "source rare" in compared.summary


def test_models_judged_on_other_rows_are_not_compared() -> None:
    ours = evaluated({}, suite(rows(3, 3)))
    theirs = evaluated({}, suite(rows(3, 3), name="another"))

    with pytest.raises(ValueError, match="not evaluated on the same suites"):
        compare(ours, theirs, seed=1)


def mirrored(one: Comparison) -> list[tuple[object, ...]]:
    return [
        (each.axis, each.group, each.measure, -each.difference, each.p_value, SIDES[each.verdict])
        for each in one.suites[0].differences
    ]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1), st.floats(0, 1))
def test_exchanging_the_two_changes_every_side(seed: int, ours: float, theirs: float) -> None:
    examples = rows(25, 40)
    first = evaluated(scores_of(examples, ours, 0.1, seed), suite(examples))
    second = evaluated(scores_of(examples, theirs, 0.2, seed + 1), suite(examples))

    there, back = compare(first, second, seed), compare(second, first, seed)

    assert back.verdict is SIDES[there.verdict]
    assert mirrored(back) == [
        (each.axis, each.group, each.measure, each.difference, each.p_value, each.verdict)
        for each in there.suites[0].differences
    ]


def _rest(one: Example) -> tuple[bool, str, str]:
    return one.attack, one.source, one.category
