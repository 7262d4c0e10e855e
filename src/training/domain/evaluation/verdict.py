"""What a comparison of two models found: plain data."""

from dataclasses import dataclass
from enum import StrEnum

from training.domain.evaluation.report import Identity

RECALL = "recall"
FALSE_POSITIVE_RATE = "false_positive_rate"
AUC = "auc"
COMPARED_RATE = 0.01
RECALL_AT = f"recall_at_{COMPARED_RATE}"


class Verdict(StrEnum):
    """Of the candidate, against the champion."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of both models on the same rows; `difference` is candidate minus champion.

    `axis` is `suite` for all rows, or `source`, `category`, `length`, `disguise`, and `group` the
    name there. `measure` is `auc`, `recall_at_0.01` (at that false-positive rate), `recall` or
    `false_positive_rate` (both at `balanced`). `low` and `high` bound the difference (95 %);
    `p_value` is corrected for the number of questions asked, `verdict` follows from it.
    """

    suite: str
    axis: str
    group: str
    measure: str
    rows: int
    candidate: float
    champion: float
    difference: float
    low: float
    high: float
    p_value: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SuiteComparison:
    """`disagreements`: rows that only one of the two gives an alarm for at `balanced`, by index.

    The first `MAX_DISAGREEMENTS` of them; `disagreeing` counts all. `…_trained_on`: how many of
    the rows a model was trained on, which flatter it; None where nobody knows.
    """

    suite: str
    digest: str
    verdict: Verdict
    statement: str
    differences: tuple[Difference, ...]
    disagreeing: int
    disagreements: tuple[int, ...]
    candidate_trained_on: int | None = None
    champion_trained_on: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate against the champion: `summary` says the verdict and where, in words."""

    candidate: Identity
    champion: Identity
    seed: int
    verdict: Verdict
    summary: str
    suites: tuple[SuiteComparison, ...]
