"""What an evaluation found: plain data, the same for the same model, suites and seed.

All rates and scores are rounded to six decimals; intervals cover 95 %. No text of a row is here,
only row indices.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

REPORT_FORMAT = "bartizan.evaluation-report/1"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model: `digest` is `sha256:<hex>` of its bundle."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its interval; `low <= value <= high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RecallAt:
    """Recall where at most `false_positive_rate` of the suite's own benign rows raise an alarm.

    `threshold` is the lowest such score on this suite; None where not even the highest attack
    outscores enough benign rows.
    """

    false_positive_rate: float
    threshold: float | None
    recall: Estimate


@dataclass(frozen=True, slots=True)
class Rates:
    """Alarms at a threshold of the bundle; None where there are no attacks, or no benign rows."""

    operating_point: str
    threshold: float
    recall: Estimate | None
    false_positive_rate: Estimate | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well attacks outscore benign rows, whatever the threshold."""

    auc: Estimate
    average_precision: Estimate
    recall_at: tuple[RecallAt, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of similar scores: their mean score, and the share of attacks among them."""

    rows: int
    score: float
    attacks: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error_by_chance`: an `error` up to it would be no surprise (5 %) in a calibrated model."""

    error: float
    error_by_chance: float
    brier: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one group at the operating point `balanced`."""

    axis: str
    group: str
    rows: int
    attacks: int
    recall: Estimate | None
    false_positive_rate: Estimate | None


@dataclass(frozen=True, slots=True)
class Disguise:
    """The suite's texts under one disguise, at `balanced`; `plain_…` are the same rows without."""

    name: str
    rows: int
    attacks: int
    recall: Estimate | None
    plain_recall: float | None
    false_positive_rate: Estimate | None
    plain_false_positive_rate: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds to judge one text alone, on the machine that `machine` describes."""

    texts: int
    mean: float
    p50: float
    p95: float
    p99: float
    machine: str


@dataclass(frozen=True, slots=True)
class Misjudged:
    """Rows on the wrong side of `balanced`: how many, and the worst, worst first, by index."""

    missed_attacks: int
    false_alarms: int
    worst_missed: tuple[int, ...]
    worst_alarms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What was measured on one suite; None or empty where it was not asked for, or cannot be.

    `trained_on`: how many of its rows the model was trained on, which flatter it; None where
    nobody knows.
    """

    suite: str
    digest: str
    protected: bool
    rows: int
    attacks: int
    rates: tuple[Rates, ...]
    misjudged: Misjudged
    ranking: Ranking | None = None
    calibration: Calibration | None = None
    slices: tuple[Slice, ...] = ()
    disguises: tuple[Disguise, ...] = ()
    latency: Latency | None = None
    trained_on: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All suites; `not_measured` says in words what a reader might expect and not find."""

    model: Identity
    seed: int
    suites: tuple[SuiteReport, ...]
    not_measured: tuple[str, ...]
    format: str = REPORT_FORMAT


def digest_of(report: Report) -> str:
    """`sha256:<hex>` of all but the latencies, which differ from machine to machine."""
    content = asdict(report)
    for suite in content["suites"]:
        del suite["latency"]
        if suite["trained_on"] is None:
            # As it was before reports knew of it: those keep their digests.
            del suite["trained_on"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
