"""The detector of kind `linear-hashed-ngrams/1`: a linear model over hashed n-grams."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model_api.domain.bundle import Manifest
from model_api.domain.judging.detector import Detection, WindowScore
from model_api.domain.judging.ngrams import Ngrams, extract
from model_api.domain.judging.windows import split


class LinearDetector:
    """Judges texts with the weights of one bundle. Immutable, so threads may share it.

    The logit of a window is `bias + sum(w[words]) / sqrt(len(words)) + sum(w[chars]) /
    sqrt(len(chars))` over its distinct buckets; the text's score is that of its highest window,
    and its categories are the softmax over the category heads there.
    """

    def __init__(self, manifest: Manifest, digest: str, weights: NDArray[np.floating]) -> None:
        """`weights`: shape (1 + categories, buckets), the attack head first."""
        self.manifest = manifest
        self.digest = digest
        self._spec = manifest.features.spec
        self._attack = np.ascontiguousarray(weights[0], np.float32)
        self._attack.flags.writeable = False
        # Bucket-major: the heads of one bucket are read together.
        self._category = np.ascontiguousarray(weights[1:].T, np.float32)
        self._category.flags.writeable = False
        self._attack_bias = manifest.weights.biases[0]
        self._category_biases = np.array(manifest.weights.biases[1:], np.float64)
        self._operating_points = MappingProxyType(
            {name: point.threshold for name, point in manifest.operating_points.items()}
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The model's semantic version."""
        return self.manifest.version

    @property
    def categories(self) -> tuple[str, ...]:
        """The attack categories, in the order of `Detection.categories`."""
        return self.manifest.categories

    @property
    def operating_points(self) -> Mapping[str, float]:
        """Thresholds on the score by name."""
        return self._operating_points

    def detect(self, text: str) -> Detection:
        """Judge all of `text`, a window at a time, so that memory does not grow with its length."""
        window = self.manifest.window
        windows = []
        highest = -math.inf
        for start, end in split(len(text), window.size, window.overlap):
            ngrams = extract(text[start:end], self._spec)
            logit = self._attack_logit(ngrams)
            windows.append(WindowScore(start, end, self._probability(logit)))
            if logit > highest:
                highest, deciding = logit, ngrams
        score = self._probability(highest)
        shares = self._category_shares(deciding)
        return Detection(score, tuple(score * share for share in shares), tuple(windows))

    def _attack_logit(self, ngrams: Ngrams) -> float:
        logit = self._attack_bias
        for block in _filled(ngrams):
            total = self._attack.take(block).sum(dtype=np.float64)
            logit += float(total) / math.sqrt(block.size)
        return logit

    def _category_shares(self, ngrams: Ngrams) -> list[float]:
        logits = self._category_biases.copy()
        for block in _filled(ngrams):
            totals = self._category.take(block, axis=0).sum(axis=0, dtype=np.float64)
            logits += totals / math.sqrt(block.size)
        shares = np.exp(logits - logits.max())
        normalised: list[float] = (shares / shares.sum()).tolist()
        return normalised

    def _probability(self, logit: float) -> float:
        calibration = self.manifest.calibration
        calibrated = calibration.slope * logit + calibration.intercept
        # The form that cannot overflow, for either sign.
        if calibrated >= 0:
            return 1.0 / (1.0 + math.exp(-calibrated))
        odds = math.exp(calibrated)
        return odds / (1.0 + odds)


def _filled(ngrams: Ngrams) -> list[NDArray[np.intp]]:
    return [block for block in (ngrams.words, ngrams.chars) if block.size]
