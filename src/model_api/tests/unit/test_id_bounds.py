"""Where a moment lies among ids that begin with the time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.adapters.id_bounds import FIRST_ID, LAST_ID, lowest_id

MOMENTS = st.datetimes(
    timezones=st.integers(-1439, 1439).map(lambda each: timezone(timedelta(minutes=each)))
)


@given(MOMENTS)
def test_every_moment_of_the_calendar_has_a_place(moment: datetime) -> None:
    assert FIRST_ID <= lowest_id(moment) <= LAST_ID


@given(MOMENTS, MOMENTS)
def test_a_later_moment_is_not_below_an_earlier_one(one: datetime, other: datetime) -> None:
    assert (one <= other) <= (lowest_id(one) <= lowest_id(other))


@pytest.mark.parametrize("year", [1, 1970])
def test_before_there_were_ids_is_the_first_of_them(year: int) -> None:
    assert lowest_id(datetime(year, 1, 1, tzinfo=UTC)) == FIRST_ID


def test_it_is_a_little_before_the_moment() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    milliseconds = lowest_id(moment).int >> 80
    assert milliseconds == moment.timestamp() * 1000 - 5_000
