"""`/predictions`: what was judged, read back."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest
from model_api.api.moments import Since, parse_moment
from model_api.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from model_api.api.predictions.schemas import (
    ANSWERING,
    CategoryScore,
    ModelUsed,
    Moment,
    PolicyUsed,
    SpanScore,
)
from model_api.api.predictions.storage import Predictions, Texts, stored
from model_api.api.problems import ProblemError, documented
from model_api.domain.identity import Scope
from model_api.domain.judging.decision import Decision
from model_api.domain.prediction import Prediction

DecisionFilter = Annotated[
    Literal["allow", "flag", "block"] | None, QueryParameter(description="Only with this decision.")
]


class SignalCount(msgspec.Struct, frozen=True):
    """How often one kind of trick was undone."""

    name: str
    count: int


class PredictionView(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded prediction.

    `text` is there on the route of one prediction alone, and only where the policy stored it and
    nobody has asked to be forgotten since.
    """

    id: UUID
    created_at: Moment
    decision: Literal["allow", "flag", "block"]
    would_be_decision: Literal["allow", "flag", "block"]
    score: float | None
    categories: list[CategoryScore]
    spans: list[SpanScore]
    signals: list[SignalCount]
    model: ModelUsed
    policy: PolicyUsed
    degraded: str | None
    latency_ms: float
    text_length: int
    session: str | None
    request_id: str
    key_id: str | None
    text: str | None = None


class PredictionPage(msgspec.Struct, frozen=True):
    """Predictions, newest first."""

    items: list[PredictionView]
    next_cursor: str | None


def routes(predictions: Predictions | None, texts: Texts | None) -> list[HTTPRouteHandler]:
    """The routes of recorded predictions; all need a database."""

    @get(
        "/predictions",
        operation_id="list_predictions",
        tags=["predictions"],
        opt=needs(Scope.PREDICTIONS_READ),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def list_predictions(
        request: AnyRequest,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
        decision: DecisionFilter = None,
        since: Since = None,
    ) -> PredictionPage:
        """The tenant's predictions, newest first; those still in the spool are not among them."""
        found = await stored(predictions).page(
            caller_of(request.scope).tenant,
            limit=limit + 1,
            before=read_cursor(cursor, UUID),
            decision=None if decision is None else Decision(decision),
            since=None if since is None else parse_moment("since", since),
        )
        page, next_cursor = cut(found, limit, lambda each: str(each.id))
        return PredictionPage([_view(each) for each in page], next_cursor)

    @get(
        "/predictions/{prediction_id:uuid}",
        operation_id="get_prediction",
        tags=["predictions"],
        opt=needs(Scope.PREDICTIONS_READ),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.PREDICTION_NOT_FOUND,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def get_prediction(request: AnyRequest, prediction_id: FromPath[UUID]) -> PredictionView:
        """One prediction, with its text where the policy stored it."""
        tenant = caller_of(request.scope).tenant
        found = await stored(predictions).get(tenant, prediction_id)
        if found is None:
            raise ProblemError(
                kinds.PREDICTION_NOT_FOUND,
                "The tenant has no such prediction, or it waits on disk to be stored.",
            )
        text = None if texts is None else await texts.read(tenant, prediction_id)
        return _view(found, text)

    return [list_predictions, get_prediction]


def _view(prediction: Prediction, text: str | None = None) -> PredictionView:
    return PredictionView(
        id=prediction.id,
        created_at=prediction.created_at,
        decision=prediction.decision.value,
        would_be_decision=prediction.would_be_decision.value,
        score=prediction.score,
        categories=[CategoryScore(*item) for item in prediction.categories.items()],
        spans=[SpanScore(span.start, span.end, span.score) for span in prediction.spans],
        signals=[SignalCount(*item) for item in prediction.signals.items()],
        model=ModelUsed(
            prediction.model_name,
            prediction.model_version,
            prediction.model_digest,
            ANSWERING[prediction.model_role],
        ),
        policy=PolicyUsed(prediction.policy_name, prediction.policy_version, prediction.mode.value),
        degraded=prediction.degraded,
        latency_ms=prediction.latency_us / 1000,
        text_length=prediction.text_length,
        session=prediction.session,
        request_id=prediction.request_id,
        key_id=prediction.key_id,
        text=text,
    )
