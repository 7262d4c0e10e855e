"""What came of a row."""

from typing import Literal

import msgspec

from bartizan.scanning.rows import BadRow, Row

Decision = Literal["allow", "flag", "block"]


class Category(msgspec.Struct, frozen=True):
    """A kind of attack and its probability."""

    name: str
    score: float


class Judgement(msgspec.Struct, frozen=True):
    """What the guard says of one text; more of its answer is not needed here."""

    decision: Decision
    score: float
    categories: list[Category]

    @property
    def leading(self) -> str:
        """The category that scores highest, where the text is not allowed."""
        if self.decision == "allow" or not self.categories:
            return ""
        return max(self.categories, key=lambda category: category.score).name


Outcome = tuple[Row, Judgement] | BadRow
