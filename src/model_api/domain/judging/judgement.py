"""What the guard found out about one input, before it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass

from model_api.domain.judging.decision import Decision
from model_api.domain.normalisation.signal import Signal


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A piece of the original text (half-open, in code points) and its score in [0, 1]."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision with its grounds.

    ``spans`` are the windows that led to ``would_be_decision``, in the order of the text, and
    empty where it is to allow; ``windows`` are all that were scored. Both are in offsets of the
    original text. ``categories`` gives each category's score, in the model's order.
    """

    decision: Decision
    would_be_decision: Decision
    score: float
    categories: Mapping[str, float]
    spans: tuple[ScoredSpan, ...]
    windows: tuple[ScoredSpan, ...]
    signals: tuple[Signal, ...]
