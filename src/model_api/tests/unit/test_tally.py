"""Counts by second: nothing is counted twice, nothing is lost, and memory stays bounded."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.deployments.routing import Role
from model_api.domain.deployments.tally import Second, TallyBook
from model_api.domain.judging.decision import Decision


def total(seconds: Iterable[Second]) -> int:
    return sum(second.tally.predictions for second in seconds)


def test_a_tally_counts_what_the_rules_said() -> None:
    tally = TallyBook().of(1, "1", Role.CHAMPION)
    for decision in (Decision.ALLOW, Decision.FLAG, Decision.BLOCK, Decision.BLOCK):
        tally.judged(decision, 100)
    tally.failed()

    assert (tally.predictions, tally.errors, tally.flagged, tally.blocked) == (5, 1, 1, 2)
    assert (tally.latency_us, sum(tally.latencies.values())) == (400, 4)


def test_only_seconds_that_have_passed_are_handed_over_and_only_once() -> None:
    book = TallyBook()
    for at in (10, 11, 12):
        book.of(at, "1", Role.CHAMPION).failed()
        book.of(at, "2", Role.CANARY).failed()

    assert [second.at for second in book.take(before=12)] == [10, 10, 11, 11]
    assert book.take(before=12) == []
    assert [second.at for second in book.take(before=13)] == [12, 12]


@given(st.lists(st.integers(min_value=0, max_value=100_000), max_size=300))
def test_what_is_not_taken_for_long_is_bounded_and_not_lost(moments: list[int]) -> None:
    book = TallyBook(max_seconds=10)
    for at in moments:
        book.of(at, "1", Role.CHAMPION).judged(Decision.ALLOW, at)

    assert total(book.take(before=200_000)) == len(moments)


def test_a_long_outage_is_kept_by_the_minute() -> None:
    book = TallyBook(max_seconds=900)
    for at in range(6_000, 6_000 + 3_600):
        book.of(at, "1", Role.CHAMPION).judged(Decision.BLOCK, 100)

    seconds = book.take(before=20_000)

    assert len(seconds) < 1_000
    assert total(seconds) == 3_600
    assert (
        sum(
            second.tally.latencies[bucket]
            for second in seconds
            for bucket in second.tally.latencies
        )
        == 3_600
    )
