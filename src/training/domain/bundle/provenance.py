"""Where the training texts came from, in counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.domain.bundle.licences import licences_of
from training.domain.examples import Example


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many texts of a source were used, and under which licence."""

    source: str
    licence: str
    rows: int
    attacks: int


def count_sources(
    examples: Iterable[Example], stated_licences: Mapping[str, str]
) -> tuple[SourceCount, ...]:
    """Counts by source, sorted by name. Raises ValueError for a source without a known licence."""
    rows: dict[str, int] = {}
    attacks: dict[str, int] = {}
    for example in examples:
        rows[example.source] = rows.get(example.source, 0) + 1
        attacks[example.source] = attacks.get(example.source, 0) + example.attack
    return tuple(
        SourceCount(source, licence, rows[source], attacks[source])
        for source, licence in licences_of(rows, stated_licences).items()
    )
