"""Scores texts with a bundle of kind `linear-hashed-ngrams/1`, as the server does.

numpy alone: this module and what it imports travel with the model into MLflow, where nothing else
of this service is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.linear.ngrams import Block, NgramSpec, extract
from training.domain.linear.windows import split
from training.domain.normalisation.normaliser import normalise
from training.domain.verdicts import Verdicts

_BATCH = 256
"""Windows whose n-grams are held at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """`weights`: float32, shape (buckets, heads), the attack's head first; `biases`: (heads,).

    The logit of a window is `bias + sum(w[words]) / sqrt(len(words)) + sum(w[chars]) /
    sqrt(len(chars))` over its distinct buckets. P(attack) is `1 / (1 + exp(-(slope * logit +
    intercept)))` of a text's highest window; its categories are the softmax over the other heads
    there, times P(attack).
    """

    weights: NDArray[np.float32]
    biases: NDArray[np.float64]
    slope: float
    intercept: float
    ngrams: NgramSpec
    window_size: int
    window_overlap: int

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """What the server answers for these raw texts, up to rounding."""
        return self.judge_normalised(list(map(normalise, texts)))

    def judge_normalised(self, texts: Sequence[str]) -> Verdicts:
        """What the server's detector says about texts that are normalised already."""
        pieces: list[str] = []
        counts = []
        for text in texts:
            bounds = split(len(text), self.window_size, self.window_overlap)
            pieces.extend(text[start:end] for start, end in bounds)
            counts.append(len(bounds))
        logits = np.concatenate(
            [
                self._logits(pieces[first : first + _BATCH])
                for first in range(0, len(pieces), _BATCH)
            ]
            or [np.empty((0, self.biases.size))]
        )
        deciding = logits[_first_highest(logits[:, 0], np.array(counts, np.intp))]
        scores = _sigmoid(self.slope * deciding[:, 0] + self.intercept)
        shares = np.exp(deciding[:, 1:] - deciding[:, 1:].max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return Verdicts(scores, scores[:, None] * shares)

    def _logits(self, pieces: Sequence[str]) -> NDArray[np.float64]:
        found = extract(pieces, self.ngrams)
        return self._sums(found.words) + self._sums(found.chars) + self.biases

    def _sums(self, block: Block) -> NDArray[np.float64]:
        sums = np.zeros((block.lengths.size, self.biases.size))
        filled = np.flatnonzero(block.lengths)
        starts = (np.cumsum(block.lengths) - block.lengths)[filled]
        if filled.size:
            rows = self.weights.take(block.buckets, axis=0)
            sums[filled] = np.add.reduceat(rows, starts, axis=0, dtype=np.float64)
            sums[filled] /= np.sqrt(block.lengths[filled])[:, None]
        return sums


def _first_highest(logits: NDArray[np.float64], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which window of each text is the highest, the first of equals; `counts` windows each."""
    if not counts.size:
        return np.empty(0, np.intp)
    starts = np.cumsum(counts) - counts
    highest = np.maximum.reduceat(logits, starts)
    owners = np.repeat(np.arange(counts.size), counts)
    reaching = np.flatnonzero(logits >= highest[owners])
    _, first = np.unique(owners[reaching], return_index=True)
    return reaching[first]


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # The form that cannot overflow, for either sign.
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)
