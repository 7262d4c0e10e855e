"""Rows and scores to evaluate with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.domain.evaluation.groups import attack_category, groups_of
from training.domain.evaluation.judged import JudgedSuite
from training.domain.evaluation.suite import Measure, Suite
from training.domain.examples import CATEGORIES, Example
from training.domain.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class TableScorer:
    """A model that knows its scores by heart; `otherwise` for texts that it does not know."""

    scores: Mapping[str, float]
    name: str = "detector"
    version: str = "1.0.0"
    digest: str = "sha256:" + "0" * 64
    categories: tuple[str, ...] = CATEGORIES
    operating_points: Mapping[str, float] = field(default_factory=lambda: {"balanced": 0.5})
    otherwise: float = 0.0

    def judge(self, texts: Sequence[str]) -> Verdicts:
        scores = np.array([self.scores.get(text, self.otherwise) for text in texts])
        shares = np.full((len(texts), len(self.categories)), 1 / len(self.categories))
        return Verdicts(scores, scores[:, None] * shares)


def rows(attacks: int, benign: int, source: str = "made") -> tuple[Example, ...]:
    """Attacks, then benign rows, each with a text of its own."""
    return tuple(
        Example(f"{'attack' if attack else 'benign'} number {number}", attack, source, "")
        for attack, count in ((True, attacks), (False, benign))
        for number in range(count)
    )


def suite(examples: Sequence[Example], *measures: Measure, name: str = "suite") -> Suite:
    """A suite; without measures, all of them but the slow one."""
    asked = measures or tuple(one for one in Measure if one is not Measure.LATENCY)
    return Suite(name, "sha256:" + "1" * 64, tuple(examples), measures=asked)


def judged(attack: NDArray[np.bool_], scores: NDArray[np.float64]) -> JudgedSuite:
    """Rows as a model judged them, without anything but labels and scores."""
    examples = [Example(str(row), bool(one), "made", "") for row, one in enumerate(attack)]
    return JudgedSuite(
        name="suite",
        digest="sha256:" + "1" * 64,
        attack=attack,
        groups=groups_of(examples),
        true_categories=tuple(map(attack_category, examples)),
        scores=scores,
        categories=scores[:, None] * np.full((scores.size, len(CATEGORIES)), 1 / len(CATEGORIES)),
        disguised_rows=np.empty(0, np.intp),
        disguised={},
        trained_on=None,
    )


def drawn(
    random: np.random.Generator, attacks: int, benign: int, apart: float = 1.5
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels and scores: two normal distributions `apart`, through the logistic function."""
    attack = np.arange(attacks + benign) < attacks
    logits = random.normal(size=attack.size) + np.where(attack, apart, 0.0)
    return attack, 1 / (1 + np.exp(-logits))
