"""How many rows of a suite were trained on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.domain.evaluation.overlap import Overlap
from training.domain.examples import Example
from training.domain.fingerprints import comparable, comparable_bytes, fingerprints
from training.tests.support.judging import suite

TEXTS = st.sampled_from(["", "a", "A", "a  b", " a B ", "Ａ", "ß", "ss", "c", "\ud800", "d e"])
SOME = st.lists(TEXTS, min_size=1, max_size=6)


def told(overlap: Overlap, texts: list[str]) -> None:
    overlap.add(fingerprints(map(comparable_bytes, texts)))


@given(st.lists(SOME, max_size=3), st.lists(st.lists(TEXTS, max_size=6), max_size=3))
def test_it_counts_rows_of_equal_text_in_whatever_pieces_the_training_data_come(
    suites: list[list[str]], pieces: list[list[str]]
) -> None:
    overlap = Overlap([suite([Example(text, True, "", "") for text in each]) for each in suites])

    for piece in pieces:
        told(overlap, piece)

    seen = {comparable(text) for piece in pieces for text in piece}
    expected = tuple(sum(comparable(text) in seen for text in each) for each in suites)
    assert overlap.rows() == expected


def test_nothing_is_among_nothing() -> None:
    overlap = Overlap([suite([Example("a", True, "", "")])])

    overlap.add(np.empty(0, np.uint64))

    assert overlap.rows() == (0,)
