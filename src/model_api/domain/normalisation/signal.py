"""What normalisation reports about the tricks that it undid."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of trick.

    ``count`` is how often it was found; ``spans`` are the first places of it, at most
    MAX_SIGNAL_SPANS, half-open and in code points of the original text.
    """

    name: str
    count: int
    spans: tuple[tuple[int, int], ...]
