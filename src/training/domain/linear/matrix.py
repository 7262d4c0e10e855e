"""Texts as a sparse matrix, one row a window."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.ngrams import NgramSpec, extract
from training.domain.linear.windows import split

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Windows:
    """`rows`: float32, shape (windows, buckets). `text`: shape (windows,), each row's text index.

    Within a row, each of a block's n distinct buckets (words, characters) holds 1 / sqrt(n), so
    that a window's logit is what the server computes and each block has length 1.
    """

    rows: csr_array[np.floating]
    text: NDArray[np.intp]

    def of_texts(self, chosen: NDArray[np.bool_]) -> "Windows":
        """The windows of the texts for which `chosen` (shape (texts,)) holds."""
        return self.where(chosen[self.text])

    def where(self, chosen: NDArray[np.bool_]) -> "Windows":
        """The windows for which `chosen` (shape (windows,)) holds."""
        return Windows(self.rows[np.flatnonzero(chosen)], self.text[chosen])

    def followed_by(self, other: "Windows", texts: int) -> "Windows":
        """These windows of `texts` texts, then the other's, whose texts are numbered on."""
        rows = csr_array(vstack([self.rows, other.rows], format="csr"))
        return Windows(rows, np.concatenate([self.text, other.text + texts]))


def windows_of(
    texts: Sequence[str], configuration: LinearConfiguration, *, all_windows: bool
) -> Windows:
    """Rows for every text; for all its windows, or for at most `max_windows`, evenly spread."""
    pieces: list[str] = []
    owners: list[int] = []
    for index, text in enumerate(texts):
        bounds = split(len(text), configuration.window_size, configuration.window_overlap)
        if not all_windows and len(bounds) > configuration.max_windows:
            chosen = np.linspace(0, len(bounds) - 1, configuration.max_windows).astype(int)
            bounds = [bounds[i] for i in chosen]
        pieces.extend(text[start:end] for start, end in bounds)
        owners.extend([index] * len(bounds))
    batches = [
        _rows(pieces[first : first + _BATCH], configuration.ngrams)
        for first in range(0, len(pieces), _BATCH)
    ]
    return Windows(csr_array(vstack(batches, format="csr")), np.array(owners, np.intp))


def _rows(pieces: Sequence[str], spec: NgramSpec) -> csr_array[np.floating]:
    ngrams = extract(pieces, spec)
    blocks = (ngrams.words, ngrams.chars)
    lengths = ngrams.words.lengths + ngrams.chars.lengths
    # Narrow indices: liblinear takes no wider ones, and they halve the matrix.
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    columns = np.empty(pointers[-1], np.int32)
    values = np.empty(pointers[-1], np.float32)
    is_word = np.repeat(
        np.tile([True, False], len(pieces)),
        np.stack([block.lengths for block in blocks], axis=1).ravel(),
    )
    for block, places in zip(blocks, (is_word, ~is_word), strict=True):
        columns[places] = block.buckets
        shares = np.maximum(block.lengths, 1) ** -0.5
        values[places] = np.repeat(shares.astype(np.float32), block.lengths)
    return csr_array((values, columns, pointers), shape=(len(pieces), spec.buckets))


def highest_by_text(
    logits: NDArray[np.float64], text: NDArray[np.intp], texts: int
) -> NDArray[np.float64]:
    """The highest window logit of each text, shape (texts,)."""
    highest = np.full(texts, -np.inf)
    np.maximum.at(highest, text, logits)
    return highest
