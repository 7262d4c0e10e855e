"""Windows cover all of a text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.judging.windows import split

sizes = st.integers(1, 60).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(length=st.integers(0, 500), size_and_overlap=sizes)
def test_windows_cover_the_whole_text_with_their_overlap(
    length: int, size_and_overlap: tuple[int, int]
) -> None:
    size, overlap = size_and_overlap
    windows = split(length, size, overlap)
    assert windows[0][0] == 0
    assert windows[-1][1] == length
    for (first, end), (following, _) in pairwise(windows):
        assert first < following <= end - overlap


@given(length=st.integers(0, 500), size_and_overlap=sizes)
def test_no_window_is_a_scrap(length: int, size_and_overlap: tuple[int, int]) -> None:
    size, overlap = size_and_overlap
    windows = split(length, size, overlap)
    assert {end - start for start, end in windows} == {min(size, length)}
    assert len(windows) <= 1 + max(0, -(-(length - size) // (size - overlap)))


def test_an_empty_text_is_one_empty_window() -> None:
    assert split(0, 512, 128) == [(0, 0)]


def test_a_text_that_fits_is_one_window() -> None:
    assert split(512, 512, 128) == [(0, 512)]
    assert split(513, 512, 128) == [(0, 512), (1, 513)]


@pytest.mark.parametrize(("length", "size", "overlap"), [(-1, 5, 0), (9, 5, 5), (9, 5, -1)])
def test_impossible_windows_are_refused(length: int, size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=r"overlap|length"):
        split(length, size, overlap)
