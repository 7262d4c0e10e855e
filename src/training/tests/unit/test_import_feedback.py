"""Which feedback makes a row, and how far a walk through it has come."""

from datetime import UTC, datetime, timedelta

from training.domain.datasets.feedback import (
    FeedbackCounts,
    FeedbackPage,
    FeedbackWalk,
    Opinion,
    TextMissing,
)

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def opinion(minute: int, text: str | None = "a text", *, superseded: bool = False) -> Opinion:
    missing = TextMissing.NOT_STORED if text is None else None
    at = BEGINNING + timedelta(minutes=minute)
    return Opinion("attack", at, superseded, None if superseded else text, missing)


def test_an_opinion_is_counted_as_one_thing() -> None:
    page = FeedbackPage((opinion(0), opinion(1, superseded=True), opinion(2, None)), "on")

    walk, rows = FeedbackWalk(BEGINNING, 10).over(page)

    assert rows == (opinion(0),)
    assert walk.found == FeedbackCounts(opinions=3, superseded=1, not_stored=1, rows=1)
    assert (walk.cursor, walk.is_over) == ("on", False)


def test_the_last_page_ends_the_walk() -> None:
    walk, _ = FeedbackWalk(BEGINNING, 10).over(FeedbackPage((), None))

    assert (walk.is_over, walk.found.goes_on_from) == (True, None)


def test_as_many_predictions_as_asked_for_are_looked_at_and_no_more() -> None:
    page = FeedbackPage(
        (opinion(0), opinion(1, superseded=True), opinion(2), opinion(3, superseded=True)), "on"
    )

    walk, rows = FeedbackWalk(BEGINNING, 2).over(page)
    assert (len(rows), walk.is_over) == (2, False)
    # What another opinion supersedes is no prediction more.
    walk, rows = walk.over(FeedbackPage((opinion(4, superseded=True), opinion(5)), None))

    assert (rows, walk.is_over) == ((), True)
    assert walk.found.goes_on_from == BEGINNING + timedelta(minutes=5)
    assert walk.found.predictions == 2
