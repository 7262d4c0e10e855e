"""A caller shortens the deadline and never lengthens it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard_backend.domain.deadlines import allowed_seconds


@given(st.floats(0.1, 100), st.integers(1, 999_999_999))
def test_caller_only_shortens(route: float, asked: int) -> None:
    assert allowed_seconds(route, str(asked)) == min(route, asked / 1000)
    assert allowed_seconds(route, None) == route


@pytest.mark.parametrize("asked", ["", "0", "-1", "1.5", "1e3", "٣", "x", "9" * 10])
def test_what_is_no_number_of_milliseconds_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match="milliseconds"):
        allowed_seconds(1.0, asked)
