"""What an import found, with row numbers: lists are bounded, totals are not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from training.domain.datasets.feedback import FeedbackCounts
from training.domain.datasets.limits import LISTED_ROWS
from training.domain.datasets.personal_data import Hint
from training.domain.datasets.reasons import EXPLANATIONS, Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """Why rows were kept out: how many, and the first of them."""

    reason: Reason
    explanation: str
    total: int
    rows: list[int]


@dataclass(frozen=True, slots=True)
class RowPair:
    """A row, and the other row of the file that it repeats or contradicts."""

    row: int
    other: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many rows repeat or contradict another one, and the first of them."""

    total: int
    pairs: list[RowPair]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """In how many of the kept rows something looks like personal data, and the first of them."""

    hint: Hint
    total: int
    rows: list[int]


@dataclass(frozen=True, slots=True)
class Report:
    """An import's findings. A row's number is that of its first line in the file, or of the record
    in a format without lines; every list holds the first 100 at most. `feedback`: what was found
    at the guard, where the rows come from there."""

    records: int
    rows: int
    attacks: int
    quarantined: int
    findings: list[Finding]
    duplicates: Pairs
    near_duplicates: Pairs
    label_conflicts: Pairs
    personal_data: list[PersonalData]
    warnings: list[str]
    feedback: FeedbackCounts | None = None


class RowLists[Key]:
    """Counts by key, and the first rows of each."""

    def __init__(self) -> None:
        self.totals: Counter[Key] = Counter()
        self.rows: dict[Key, list[int]] = {}

    def add(self, key: Key, row: int) -> None:
        """One more."""
        self.totals[key] += 1
        rows = self.rows.setdefault(key, [])
        if len(rows) < LISTED_ROWS:
            rows.append(row)


@dataclass(slots=True)
class PairList:
    """Counts pairs, and keeps the first."""

    total: int = 0
    first: list[RowPair] = field(default_factory=list)

    def add(self, row: int, other: int) -> None:
        """One more."""
        self.total += 1
        if len(self.first) < LISTED_ROWS:
            self.first.append(RowPair(row, other))

    def result(self) -> Pairs:
        """As it stands in the report."""
        return Pairs(self.total, self.first)


def findings(found: RowLists[Reason]) -> list[Finding]:
    """The reasons with their rows, the most frequent first."""
    return [
        Finding(reason, EXPLANATIONS[reason], total, found.rows[reason])
        for reason, total in sorted(found.totals.items(), key=lambda each: (-each[1], each[0]))
    ]


def personal_data(found: RowLists[Hint]) -> list[PersonalData]:
    """The hints with their rows, the most frequent first."""
    return [
        PersonalData(hint, total, found.rows[hint])
        for hint, total in sorted(found.totals.items(), key=lambda each: (-each[1], each[0]))
    ]


def in_words(found: RowLists[Reason], limit: int = 5) -> str:
    """The most frequent reasons, and what each means: where a file is refused as a whole."""
    most = findings(found)[:limit]
    said = [
        f"{each.reason} in {each.total} (rows {', '.join(map(str, each.rows[:3]))}"
        f"{', …' if each.total > 3 else ''})"
        for each in most
    ]
    return " ".join([f"{'; '.join(said)}.", *(each.explanation for each in most)])


def warnings(rows: int, attacks: int, quarantined: int, hints: Mapping[Hint, int]) -> list[str]:
    """What a careful reader of the numbers would say."""
    return list(_warnings(rows, attacks, quarantined, hints))


def _warnings(
    rows: int, attacks: int, quarantined: int, hints: Mapping[Hint, int]
) -> Iterable[str]:
    if attacks == 0:
        yield "No row is an attack: a detector cannot be trained on this alone."
    elif attacks == rows:
        yield "Every row is an attack: a detector cannot be trained on this alone."
    if quarantined > rows:
        yield "More rows were kept out than were let in."
    if hints:
        yield "Some rows seem to hold personal data: see personal_data before you train on them."
