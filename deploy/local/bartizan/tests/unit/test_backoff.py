from hypothesis import given
from hypothesis import strategies as st

from bartizan.supervision.backoff import FIRST, LONGEST, STEADY, Backoff


@given(st.lists(st.floats(0, STEADY, exclude_max=True), min_size=1, max_size=200))
def test_delays_grow_to_their_bound(runs: list[float]) -> None:
    backoff = Backoff()
    delays = [backoff.after(ran_for) for ran_for in runs]
    assert delays[0] == FIRST
    assert delays == sorted(delays)
    assert max(delays) <= LONGEST


def test_a_sound_run_forgives() -> None:
    backoff = Backoff()
    assert [backoff.after(0.0) for _ in range(3)] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert backoff.after(STEADY) == FIRST
