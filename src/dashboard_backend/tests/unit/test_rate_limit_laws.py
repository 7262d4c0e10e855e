"""The sliding window is exact: no interval of one window holds more than the quota."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from dashboard_backend.domain.bounded_windows import BoundedWindows, address_subject
from dashboard_backend.domain.rate_limits import SLOTS, RateLimit, SlidingWindow

LIMITS = st.builds(RateLimit, st.integers(1, 20), st.sampled_from([1, 7, 60, 3600]))
STEPS = st.lists(st.floats(0, 1.5), min_size=1, max_size=200)


@given(LIMITS, STEPS)
def test_no_interval_holds_more_than_the_quota(limit: RateLimit, steps: list[float]) -> None:
    window, now, passed = SlidingWindow(limit), 1_000_000.0, []
    for step in steps:
        now += step * limit.window / 10
        if window.take(now).allowed:
            passed.append(now)
    for first in range(len(passed) - limit.requests):
        assert passed[first + limit.requests] - passed[first] > limit.window * (1 - 1e-9)


@given(LIMITS, STEPS)
def test_reset_says_when_a_refused_request_will_pass(limit: RateLimit, steps: list[float]) -> None:
    window, now = SlidingWindow(limit), 1_000_000.0
    for step in steps:
        now += step * limit.window / 10
        decision = window.take(now)
        assert decision.reset <= limit.window * (1 + 1 / SLOTS) + 1e-6
        if not decision.allowed:
            assert not deepcopy(window).look(now + decision.reset * 0.99 - 1e-3).allowed
            assert deepcopy(window).look(now + decision.reset + 1e-3).allowed


def test_clock_that_steps_back_frees_nothing() -> None:
    window = SlidingWindow(RateLimit(1))
    assert window.take(1000).allowed
    assert not window.take(0).allowed


def test_header_fields_are_structured_fields_of_the_draft() -> None:
    decision = SlidingWindow(RateLimit(50)).take(1000.0)
    assert decision.fields() == [
        (b"ratelimit-policy", b'"default";q=50;w=60'),
        (b"ratelimit", b'"default";r=49;t=61'),
    ]


def test_memory_is_bounded_by_the_capacity() -> None:
    windows = BoundedWindows(capacity=100)
    for number in range(1000):
        windows.take(str(number), RateLimit(1), 0)
    assert len(windows) == 100
    assert not windows.take("999", RateLimit(1), 0).allowed


def test_addresses_of_one_network_count_together() -> None:
    assert address_subject("2001:db8::1") == address_subject("2001:db8::ffff:2")
    assert address_subject("2001:db8::1") != address_subject("2001:db8:0:1::1")
    assert address_subject("::ffff:10.0.0.1") == address_subject("10.0.0.1")
