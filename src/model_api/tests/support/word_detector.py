"""A detector whose scores a test can foretell."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from model_api.domain.judging.detector import Detection, WindowScore
from model_api.domain.judging.windows import split


@dataclass(frozen=True)
class WordDetector:
    """A detector that can be foretold: a window with the word scores high, all others low."""

    word: str = "attack"
    high: float = 0.95
    name: str = "word"
    version: str = "1.0.0"
    digest: str = "sha256:00"
    categories: tuple[str, ...] = ("jailbreak",)
    operating_points: Mapping[str, float] = field(
        default_factory=lambda: {"sensitive": 0.3, "balanced": 0.6}
    )

    def detect(self, text: str) -> Detection:
        windows = tuple(
            WindowScore(start, end, self.high if self.word in text[start:end] else 0.1)
            for start, end in split(len(text), 32, 8)
        )
        score = max((window.score for window in windows), key=lambda score: score)
        return Detection(score, (score / 2,), windows)
