"""Judges suites with a model and reports how good it is."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.domain.evaluation.disguises import DISGUISES, NOT_MEASURED
from training.domain.evaluation.groups import attack_category, groups_of
from training.domain.evaluation.judged import BALANCED, Evaluation, JudgedSuite
from training.domain.evaluation.latency import measure_latency
from training.domain.evaluation.measures import (
    calibration,
    disguises,
    misjudged,
    ranking,
    rates,
    slices,
)
from training.domain.evaluation.report import Identity, Report, SuiteReport
from training.domain.evaluation.suite import Measure, Scorer, Suite

MAX_DISGUISED_ROWS = 1000

_BATCH = 512

type Progress = Callable[[float, str], None]
"""Called with the share of the work that is done, in [0, 1], and what comes next."""


def evaluate(
    scorer: Scorer,
    suites: Sequence[Suite],
    seed: int,
    progress: Progress,
    trained_on: Sequence[int] | None = None,
) -> Evaluation:
    """The report on all suites, the same for the same scorer, suites and seed but for latencies.

    `trained_on`: of each suite, how many rows the model was trained on; None where nobody knows.
    Raises ValueError where the scorer has no operating point `balanced`, or its scores are no
    probabilities.
    """
    points = dict(scorer.operating_points)
    if BALANCED not in points:
        raise ValueError(f"{scorer.name} {scorer.version} has no operating point {BALANCED!r}")
    judged = []
    reports = []
    for number, suite in enumerate(suites):
        of_suite = partial(_part_of, progress, number, len(suites), f"judging {suite.name}")
        known = None if trained_on is None else trained_on[number]
        rows = _judge(scorer, suite, seed, of_suite, known)
        judged.append(rows)
        reports.append(_report(scorer, suite, rows, seed))
    progress(1.0, "judged")
    identity = Identity(scorer.name, scorer.version, scorer.digest)
    return Evaluation(
        report=Report(identity, seed, tuple(reports), (NOT_MEASURED,)),
        model=identity,
        category_names=tuple(scorer.categories),
        operating_points=points,
        suites=tuple(judged),
    )


def _part_of(progress: Progress, number: int, suites: int, step: str, done: float) -> None:
    progress((number + done) / suites, step)


def _judge(
    scorer: Scorer,
    suite: Suite,
    seed: int,
    progress: Callable[[float], None],
    trained_on: int | None,
) -> JudgedSuite:
    texts = [example.text for example in suite.examples]
    attack = np.array([example.attack for example in suite.examples], np.bool_)
    disguised_rows = _disguised_rows(attack, seed)
    names = DISGUISES if Measure.ROBUSTNESS in suite.measures else {}
    total = len(texts) + len(names) * disguised_rows.size
    judged = 0

    def further(rows: int) -> None:
        nonlocal judged
        progress(judged / total)
        judged += rows

    scores, categories = _scores(scorer, texts, further)
    disguised = {}
    for name, disguise in names.items():
        altered = [disguise(texts[row]) for row in disguised_rows.tolist()]
        disguised[name], _ = _scores(scorer, altered, further)
    return JudgedSuite(
        name=suite.name,
        digest=suite.digest,
        attack=attack,
        groups=groups_of(suite.examples),
        true_categories=tuple(map(attack_category, suite.examples)),
        scores=scores,
        categories=categories,
        disguised_rows=disguised_rows,
        disguised=disguised,
        trained_on=trained_on,
    )


def _disguised_rows(attack: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """At most `MAX_DISGUISED_ROWS`, half of them attacks where there are enough of both."""
    random = np.random.default_rng(seed)
    sides = [np.flatnonzero(attack), np.flatnonzero(~attack)]
    fewer = min(side.size for side in sides)
    each = max(MAX_DISGUISED_ROWS // 2, MAX_DISGUISED_ROWS - fewer)
    chosen = [random.permutation(side)[:each] for side in sides]
    return np.sort(np.concatenate(chosen)).astype(np.intp)


def _scores(
    scorer: Scorer, texts: Sequence[str], further: Callable[[int], None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores = []
    categories = []
    for first in range(0, len(texts), _BATCH):
        batch = texts[first : first + _BATCH]
        further(len(batch))
        verdicts = scorer.judge(batch)
        scores.append(verdicts.scores)
        categories.append(verdicts.categories)
    together = np.concatenate(scores)
    if not ((together >= 0) & (together <= 1)).all():
        raise ValueError(f"{scorer.name} {scorer.version} gives scores outside of [0, 1]")
    return together, np.concatenate(categories)


def _report(scorer: Scorer, suite: Suite, judged: JudgedSuite, seed: int) -> SuiteReport:
    threshold = scorer.operating_points[BALANCED]
    asked = set(suite.measures)
    texts = [example.text for example in suite.examples]
    return SuiteReport(
        suite=suite.name,
        digest=suite.digest,
        protected=suite.protected,
        rows=judged.attack.size,
        attacks=int(judged.attack.sum()),
        rates=tuple(rates(judged, scorer.operating_points)),
        misjudged=misjudged(judged, threshold),
        ranking=ranking(judged, seed) if Measure.RANKING in asked else None,
        calibration=calibration(judged, seed) if Measure.CALIBRATION in asked else None,
        slices=tuple(slices(judged, threshold)) if Measure.SLICES in asked else (),
        disguises=tuple(disguises(judged, threshold)),
        latency=measure_latency(scorer, texts) if Measure.LATENCY in asked else None,
        trained_on=judged.trained_on,
    )
