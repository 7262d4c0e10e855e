"""Turns predictions into the answer of `POST /predict`."""

from model_api.api.predictions.judging import Outcome
from model_api.api.predictions.predicting import Answered
from model_api.api.predictions.schemas import (
    ANSWERING,
    CategoryScore,
    ModelUsed,
    PolicyUsed,
    PredictionResult,
    PredictResponse,
    SignalFound,
    SpanScore,
)
from model_api.domain.prediction import Prediction


def respond(answered: Answered, *, include_windows: bool) -> PredictResponse:
    """The answer, with every window's score where `include_windows`."""
    pairs = zip(answered.predictions, answered.outcomes, strict=True)
    served, policy = answered.served, answered.policy
    return PredictResponse(
        predictions=[
            _result(index, prediction, outcome, include_windows)
            for index, (prediction, outcome) in enumerate(pairs)
        ],
        model=ModelUsed(
            served.detector.name, served.version, served.digest, ANSWERING[answered.role]
        ),
        policy=PolicyUsed(policy.name, policy.version, policy.mode.value),
        audit=policy.audit.value,
        recorded=answered.recorded,
    )


def _result(
    index: int, prediction: Prediction, outcome: Outcome, include_windows: bool
) -> PredictionResult:
    judgement = outcome.judgement
    spans = judgement.windows if judgement and include_windows else prediction.spans
    return PredictionResult(
        id=str(prediction.id),
        index=index,
        decision=prediction.decision.value,
        would_be_decision=prediction.would_be_decision.value,
        score=prediction.score,
        categories=[CategoryScore(*item) for item in prediction.categories.items()],
        spans=[SpanScore(span.start, span.end, span.score) for span in spans],
        signals=[
            SignalFound(signal.name, signal.count, list(signal.spans))
            for signal in (judgement.signals if judgement else ())
        ],
        latency_ms=prediction.latency_us / 1000,
        degraded=prediction.degraded,
    )
