"""What every detector offers to the guard, whatever model is behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from model_api.domain.bundle import Manifest


@dataclass(frozen=True, slots=True)
class WindowScore:
    """One judged window.

    `start` and `end` are code-point indices into the text given to `Detector.detect`
    (half-open, `start <= end`); `score` is the calibrated P(attack) of that window, in [0, 1].
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector says about one text.

    `score` is the calibrated P(attack) of the whole text, in [0, 1]: the highest window score.
    `categories` holds one score in [0, 1] per name of `Detector.categories`, in that order:
    `score` x P(category | attack).
    `windows` covers the whole text in order of `start`; it is never empty, even for empty text.
    """

    score: float
    categories: tuple[float, ...]
    windows: tuple[WindowScore, ...]


class Detector(Protocol):
    """A loaded, self-tested model that judges normalised text. Safe to share between threads."""

    @property
    def name(self) -> str:
        """The model's name, as the bundle's manifest gives it."""
        ...

    @property
    def version(self) -> str:
        """The model's semantic version."""
        ...

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the bundle's manifest."""
        ...

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the attack categories, in the order of `Detection.categories`."""
        ...

    @property
    def operating_points(self) -> Mapping[str, float]:
        """Thresholds on `Detection.score` by name: `sensitive`, `balanced`, `strict`."""
        ...

    def detect(self, text: str) -> Detection:
        """Judge `text` (already normalised), all of it, in overlapping windows."""
        ...


class BundledDetector(Detector, Protocol):
    """A detector that knows the bundle it came from."""

    @property
    def manifest(self) -> Manifest:
        """The bundle's manifest."""
        ...
