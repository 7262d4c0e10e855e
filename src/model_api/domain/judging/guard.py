"""One input in, one judgement out: normalise, detect, decide."""

from collections.abc import Iterable

from model_api.domain.judging.detector import Detection, Detector, WindowScore
from model_api.domain.judging.judgement import Judgement, ScoredSpan
from model_api.domain.judging.policy import Policy, decide
from model_api.domain.normalisation.normaliser import NormalisedText, normalise


class DetectorFailed(Exception):
    """A detector that answered what cannot be a judgement; the policy's fail mode applies."""


def judge(text: str, detector: Detector, policy: Policy) -> Judgement:
    """Judge the whole of a text; any string will do, the empty one included.

    Raises DetectorFailed where the scores are not scores, and PolicyInvalid where the policy
    needs a category or an operating point that the detector lacks.
    """
    normalised = normalise(text)
    detection = detector.detect(normalised.text)
    categories = _checked_categories(detector, detection)
    verdict = decide(policy, detection.score, categories, detector.operating_points)
    return Judgement(
        decision=verdict.decision,
        would_be_decision=verdict.would_be_decision,
        score=detection.score,
        categories=categories,
        spans=_spans(normalised, _deciding(detection, verdict.threshold)),
        windows=_spans(normalised, detection.windows),
        signals=normalised.signals,
    )


def _checked_categories(detector: Detector, detection: Detection) -> dict[str, float]:
    # NaN passes no comparison: unchecked, it would be allowed by every policy.
    for score in (detection.score, *detection.categories):
        if not 0 <= score <= 1:
            raise DetectorFailed(f"{detector.name} {detector.version} gave the score {score}")
    return dict(zip(detector.categories, detection.categories, strict=True))


def _deciding(detection: Detection, threshold: float | None) -> Iterable[WindowScore]:
    """The windows that reach the threshold which the text reached; the highest, if none does.

    None may reach it where a model scores a text higher than each of its windows.
    """
    if threshold is None:
        return ()
    reaching = [window for window in detection.windows if window.score >= threshold]
    return reaching or [max(detection.windows, key=lambda window: window.score)]


def _spans(normalised: NormalisedText, windows: Iterable[WindowScore]) -> tuple[ScoredSpan, ...]:
    return tuple(
        ScoredSpan(*normalised.original_span(window.start, window.end), window.score)
        for window in windows
    )
