"""Whether a candidate is better than the champion, on the same rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training.domain.evaluation.judged import Evaluation
from training.domain.evaluation.paired import Pair, Paired, pairs_of, parts, whole
from training.domain.evaluation.proportions import holm
from training.domain.evaluation.verdict import (
    AUC,
    FALSE_POSITIVE_RATE,
    RECALL_AT,
    Comparison,
    Difference,
    SuiteComparison,
    Verdict,
)
from training.domain.evaluation.words import state_alike, state_all, state_overlap, state_suite

SIGNIFICANCE = 0.05

MAX_DISAGREEMENTS = 200

_RANKING = frozenset({AUC, RECALL_AT})


@dataclass(frozen=True, slots=True, eq=False)
class _Suite:
    pair: Pair
    whole: list[Paired]
    parts: list[Paired]


def compare(candidate: Evaluation, champion: Evaluation, seed: int) -> Comparison:
    """Better, worse or undecided, by this rule:

    1. Each suite is asked up to four questions of all its rows: recall and false alarms at the
       `balanced` point that each bundle brings (McNemar's mid-p test), AUC, and recall at 1 %
       false positives (paired bootstrap). Where Holm's correction over all questions of all
       suites leaves p < 5 %, the candidate wins or loses the question; so among undecidable
       questions the chance of any wrong win or loss is 5 %.
    2. A suite is better with wins alone, worse with losses alone. With both, recall and false
       alarms may just have traded places by a moved threshold: then the questions that know no
       threshold decide, if they say one thing.
    3. The candidate is better if it is better on a suite and worse on none; worse if it is worse
       on a suite and better on none; everything else is undecided.

    Groups and disguises, corrected by Holm within their suite, say where; they do not decide.
    Sources: McNemar (1947); Fagerland et al. (2013); Holm (1979); Efron and Tibshirani (1993);
    the use of several sets at once after Demsar, "Statistical Comparisons of Classifiers over
    Multiple Data Sets" (2006), which asks for such a correction.

    Symmetric: with the two exchanged, every difference changes its sign and every verdict sides.
    Raises ValueError where the two were not evaluated on the same suites with the same seed.
    """
    suites = [
        _Suite(pair, list(whole(pair, seed)), list(parts(pair)))
        for pair in pairs_of(candidate, champion)
    ]
    corrected = iter(holm([paired.p_value for suite in suites for paired in suite.whole]))
    compared = []
    for suite in suites:
        deciding = [_difference(suite, paired, next(corrected)) for paired in suite.whole]
        local = holm([paired.p_value for paired in suite.parts])
        where = [
            _difference(suite, paired, p_value)
            for paired, p_value in zip(suite.parts, local, strict=True)
        ]
        compared.append(_compare_suite(suite, deciding, where))
    verdict = _together(suite.verdict for suite in compared)
    return Comparison(
        candidate=candidate.model,
        champion=champion.model,
        seed=seed,
        verdict=verdict,
        summary=state_all(verdict, champion.model, compared),
        suites=tuple(compared),
    )


def _difference(suite: _Suite, paired: Paired, p_value: float) -> Difference:
    verdict = Verdict.UNDECIDED
    if p_value < SIGNIFICANCE:
        gain = paired.difference if paired.measure != FALSE_POSITIVE_RATE else -paired.difference
        verdict = Verdict.BETTER if gain > 0 else Verdict.WORSE if gain < 0 else verdict
    return Difference(
        suite=suite.pair.candidate.name,
        axis=paired.axis,
        group=paired.group,
        measure=paired.measure,
        rows=paired.rows,
        candidate=round(paired.candidate, 6),
        champion=round(paired.champion, 6),
        difference=round(paired.difference, 6),
        low=round(paired.low, 6),
        high=round(paired.high, 6),
        p_value=float(f"{p_value:.4g}"),
        verdict=verdict,
    )


def _compare_suite(
    suite: _Suite, deciding: Sequence[Difference], where: Sequence[Difference]
) -> SuiteComparison:
    ours, theirs = suite.pair.alarms
    disagreeing = np.flatnonzero(ours != theirs)
    verdict = _together(one.verdict for one in deciding)
    if {one.verdict for one in deciding} >= {Verdict.BETTER, Verdict.WORSE}:
        verdict = _together(one.verdict for one in deciding if one.measure in _RANKING)
    name = suite.pair.candidate.name
    statement = (
        state_alike(name)
        if np.array_equal(suite.pair.candidate.scores, suite.pair.champion.scores)
        and not disagreeing.size
        else state_suite(name, verdict, deciding, where)
    )
    trained_on = (suite.pair.candidate.trained_on, suite.pair.champion.trained_on)
    return SuiteComparison(
        suite=name,
        digest=suite.pair.candidate.digest,
        verdict=verdict,
        statement=f"{statement}{state_overlap(ours.size, *trained_on)}",
        differences=(*deciding, *where),
        disagreeing=disagreeing.size,
        disagreements=tuple(disagreeing[:MAX_DISAGREEMENTS].tolist()),
        candidate_trained_on=trained_on[0],
        champion_trained_on=trained_on[1],
    )


def _together(verdicts: Iterable[Verdict]) -> Verdict:
    """What they say, if they do not contradict each other."""
    decided = set(verdicts) - {Verdict.UNDECIDED}
    return decided.pop() if len(decided) == 1 else Verdict.UNDECIDED
