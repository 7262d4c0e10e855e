"""Opens after failures in a row, probes one at a time, forgets late news."""

import pytest

from dashboard_backend.utils.circuit_breaker import CircuitBreaker, Permit


class Clock:
    """Time that the test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, open_seconds=5.0, clock=clock)


def permit(breaker: CircuitBreaker) -> Permit:
    given = breaker.acquire()
    assert isinstance(given, Permit)
    return given


def trip(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        breaker.failed(permit(breaker))


def test_success_in_between_keeps_it_closed(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.failed(permit(breaker))
        breaker.failed(permit(breaker))
        breaker.succeeded(permit(breaker))
    assert breaker.state.name == "CLOSED"


def test_open_breaker_says_how_long(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += 2
    assert breaker.acquire() == pytest.approx(3.0)
    assert breaker.state.name == "OPEN"


def test_one_probe_at_a_time_decides(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += 5
    probe = permit(breaker)
    assert not isinstance(breaker.acquire(), Permit)
    breaker.failed(probe)
    assert breaker.state.name == "OPEN"
    clock.now += 5
    breaker.succeeded(permit(breaker))
    assert breaker.state.name == "CLOSED"


def test_abandoned_probe_lets_another_through(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += 5
    breaker.abandoned(permit(breaker))
    assert isinstance(breaker.acquire(), Permit)


def test_late_outcome_decides_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    late = permit(breaker)
    trip(breaker)
    breaker.succeeded(late)
    assert breaker.state.name == "OPEN"
    clock.now += 5
    breaker.succeeded(permit(breaker))
    for _ in range(3):
        breaker.failed(late)
    assert breaker.state.name == "CLOSED"
