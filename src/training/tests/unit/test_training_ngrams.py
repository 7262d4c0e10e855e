import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.domain.linear.ngrams import NgramSpec, extract

SPEC = NgramSpec(char_min=2, char_max=3, word_max=2, char_bits=16, word_bits=12)

# The server's tests hold the same vectors: trainer and server share a definition, no code.
VECTORS = [
    ("", [], [9516]),
    ("a", [1526], [9738, 60121, 65471]),
    ("\ud800 x", [520, 822, 3688], [4611, 10733, 10966, 41639, 50495, 58470]),
]


def _of_each(texts: list[str]) -> list[tuple[list[int], list[int]]]:
    found = extract(texts, SPEC)
    words, chars = (
        np.split(block.buckets, np.cumsum(block.lengths)[:-1])
        for block in (found.words, found.chars)
    )
    return [(w.tolist(), c.tolist()) for w, c in zip(words, chars, strict=True)]


@pytest.mark.parametrize(("text", "words", "chars"), VECTORS)
def test_the_fixed_vectors_hold(text: str, words: list[int], chars: list[int]) -> None:
    assert _of_each([text]) == [(words, chars)]


def test_case_width_and_white_space_do_not_count() -> None:
    plain, dressed = _of_each(["ignore the rules", "\n ＩＧＮＯＲＥ\tThe  RULES "])
    assert plain == dressed


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_a_text_has_the_same_ngrams_in_any_company(texts: list[str]) -> None:
    assert _of_each(texts) == [_of_each([text])[0] for text in texts]


def test_more_texts_than_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 65536 texts"):
        extract(["a"] * 65537, SPEC)
