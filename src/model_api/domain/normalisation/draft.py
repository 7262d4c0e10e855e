"""A text being normalised: rewritten step by step, and always traceable to its original."""

from array import array
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model_api.domain.limits import MAX_SIGNAL_SPANS
from model_api.domain.normalisation.signal import Signal

type Edit = tuple[int, int, str]
"""``text[start:end]`` becomes the string; all of its characters come from ``start``."""


class Draft:
    """The current text, where each of its characters came from, and what was found in it."""

    def __init__(self, original: str) -> None:
        self.text = original
        self._length = len(original)
        self._origins: NDArray[np.int64] | None = None
        self._counts: dict[str, int] = {}
        self._spans: dict[str, list[tuple[int, int]]] = {}

    def rewrite(self, edits: Sequence[Edit]) -> None:
        """Apply edits, which must be in order and must not overlap. Linear in the text."""
        if not edits:
            return
        borders = np.array([edit[:2] for edit in edits], dtype=np.int64)
        lengths = np.array([len(edit[2]) for edit in edits], dtype=np.int64)
        origins = _positions(borders, lengths, len(self.text))
        self._origins = origins if self._origins is None else self._origins[origins]
        pieces = [self.text[: edits[0][0]]]
        for (_, end, replacement), (start, _, _) in pairwise(edits):
            pieces.append(replacement)
            pieces.append(self.text[end:start])
        pieces.append(edits[-1][2])
        pieces.append(self.text[edits[-1][1] :])
        self.text = "".join(pieces)

    def translate(self, text: str) -> None:
        """Replace the text by one that differs from it character by character."""
        if len(text) != len(self.text):
            raise ValueError("a translation must keep every character in its place")
        self.text = text

    def report(self, name: str, start: int, end: int) -> None:
        """Count a finding in ``text[start:end]``, a span that must not be empty."""
        self._counts[name] = self._counts.get(name, 0) + 1
        spans = self._spans.setdefault(name, [])
        if len(spans) < MAX_SIGNAL_SPANS:
            first, after = self._origin(start), self._origin(end)
            # One original character may have grown into several, all of the same origin.
            spans.append((first, max(after, first + 1)))

    def signals(self) -> tuple[Signal, ...]:
        """All findings, in the order in which their kinds first came up."""
        return tuple(
            Signal(name, count, tuple(self._spans[name])) for name, count in self._counts.items()
        )

    def offsets(self) -> Sequence[int]:
        """For each character, and for the end, the index in the original where it begins."""
        if self._origins is None:
            return range(self._length + 1)
        return array("q", self._origins.tobytes())

    def _origin(self, position: int) -> int:
        return position if self._origins is None else int(self._origins[position])


def _positions(
    borders: NDArray[np.int64], lengths: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Where each character of the rewritten text, and its end, was in the text before.

    The rewritten text alternates kept pieces, whose positions count up, and replacements, whose
    positions all are the start of what they replace.
    """
    count = len(borders)
    starts = np.zeros(2 * count + 1, dtype=np.int64)
    starts[1::2] = borders[:, 0]
    starts[2::2] = borders[:, 1]
    sizes = np.empty_like(starts)
    sizes[0:-1:2] = starts[1::2] - starts[0:-1:2]
    sizes[1::2] = lengths
    sizes[-1] = size - starts[-1]
    kept = np.zeros_like(starts)
    kept[::2] = 1
    before = np.cumsum(sizes) - sizes
    within = np.arange(int(sizes.sum())) - np.repeat(before, sizes)
    positions = np.repeat(starts, sizes) + within * np.repeat(kept, sizes)
    return np.append(positions, size)
