"""Feedback on the guard's predictions, as rows: the latest opinion on a prediction counts."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

MAX_PREDICTIONS = 100_000
"""How many predictions one import looks at; the oldest count, and it says where to go on."""


class TextMissing(StrEnum):
    """Why the guard does not give a text: no policy had it stored (or the person was forgotten
    since), or it was encrypted under a key that the guard has no more."""

    NOT_STORED = "not_stored"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody says that a prediction should have been: `attack` or `benign`.

    `superseded`: a later opinion on the same prediction takes its place.
    """

    label: str
    created_at: datetime
    superseded: bool
    text: str | None
    text_missing: TextMissing | None


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """Opinions, oldest first, and where the guard goes on."""

    opinions: tuple[Opinion, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FeedbackCounts:
    """What an import found in the guard's feedback. An opinion is either superseded by a later one
    on the same prediction, or without a text that could be had, or a row.

    `goes_on_from` is the moment from which there is more, where the import ended before it.
    """

    opinions: int = 0
    superseded: int = 0
    not_stored: int = 0
    unreadable: int = 0
    rows: int = 0
    goes_on_from: datetime | None = None

    @property
    def predictions(self) -> int:
        """How many predictions were looked at."""
        return self.opinions - self.superseded

    def including(self, opinion: Opinion) -> Self:
        """With one opinion more."""
        counted = replace(self, opinions=self.opinions + 1)
        if opinion.superseded:
            return replace(counted, superseded=self.superseded + 1)
        if opinion.text is not None:
            return replace(counted, rows=self.rows + 1)
        if opinion.text_missing is TextMissing.UNREADABLE:
            return replace(counted, unreadable=self.unreadable + 1)
        return replace(counted, not_stored=self.not_stored + 1)


@dataclass(frozen=True, slots=True)
class FeedbackWalk:
    """A walk through the feedback since a moment, over at most `predictions`, and how far it has
    come: where the guard goes on, what was found, and whether that was all."""

    since: datetime
    predictions: int
    cursor: str | None = None
    found: FeedbackCounts = FeedbackCounts()
    is_over: bool = False

    def over(self, page: FeedbackPage) -> tuple["FeedbackWalk", tuple[Opinion, ...]]:
        """The walk when the page is behind it, and the opinions on it that are rows."""
        found = self.found
        rows: list[Opinion] = []
        for opinion in page.opinions:
            if not opinion.superseded and found.predictions == self.predictions:
                found = replace(found, goes_on_from=opinion.created_at)
                return replace(self, found=found, is_over=True), tuple(rows)
            found = found.including(opinion)
            if opinion.text is not None and not opinion.superseded:
                rows.append(opinion)
        is_over = page.next_cursor is None
        return replace(self, cursor=page.next_cursor, found=found, is_over=is_over), tuple(rows)


class NoFeedback(Exception):
    """No prediction has both feedback and a stored text."""

    def __init__(self, found: FeedbackCounts) -> None:
        super().__init__(
            f"Of {found.predictions:,} predictions with feedback none makes a row: the texts of "
            f"{found.not_stored:,} were not stored, or were forgotten, and those of "
            f"{found.unreadable:,} cannot be read"
        )


class GuardUnavailable(Exception):
    """The guard does not answer, or refuses; the message says which."""
