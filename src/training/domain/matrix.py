"""Texts as a sparse matrix, one row a window."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from training.domain.configuration import LinearConfiguration
from training.domain.ngrams import extract
from training.domain.windows import split


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
    indices: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float32]] = []
    lengths: list[int] = []
    owners: list[int] = []
    for index, text in enumerate(texts):
        bounds = split(len(text), configuration.window_size, configuration.window_overlap)
        if not all_windows and len(bounds) > configuration.max_windows:
            chosen = np.linspace(0, len(bounds) - 1, configuration.max_windows).astype(int)
            bounds = [bounds[i] for i in chosen]
        for start, end in bounds:
            ngrams = extract(text[start:end], configuration.ngrams)
            for block in (ngrams.words, ngrams.chars):
                indices.append(block)
                values.append(np.full(block.size, max(block.size, 1) ** -0.5, np.float32))
            lengths.append(ngrams.words.size + ngrams.chars.size)
            owners.append(index)
    # Narrow indices: liblinear takes no wider ones, and they halve the matrix.
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    columns = np.concatenate(indices).astype(np.int32)
    shape = (len(owners), configuration.ngrams.buckets)
    rows: csr_array[np.floating] = csr_array(
        (np.concatenate(values), columns, pointers), shape=shape
    )
    return Windows(rows, np.array(owners, np.intp))


def highest_by_text(
    logits: NDArray[np.float64], text: NDArray[np.intp], texts: int
) -> NDArray[np.float64]:
    """The highest window logit of each text, shape (texts,)."""
    highest = np.full(texts, -np.inf)
    np.maximum.at(highest, text, logits)
    return highest
