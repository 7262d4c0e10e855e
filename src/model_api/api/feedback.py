"""`/feedback`: what people say a prediction should have been."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest, JsonBody, takes
from model_api.api.headers import IDEMPOTENCY_KEY, changer, reads
from model_api.api.problems import documented
from model_api.api.schemas import Moment
from model_api.api.storage import Changes, FeedbackReader, StoredFeedback, stored
from model_api.domain.identity import Scope
from model_api.domain.limits import MAX_NOTE_LENGTH

_MAX_BODY_BYTES = 64 * 1024


class FeedbackCreate(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the judged text really was, and why one thinks so."""

    prediction_id: UUID
    label: Literal["attack", "benign"]
    note: (
        Annotated[str, msgspec.Meta(max_length=MAX_NOTE_LENGTH, pattern="^[^\\u0000]*$")] | None
    ) = None


class FeedbackView(msgspec.Struct, frozen=True):
    """One opinion on one prediction."""

    id: UUID
    prediction_id: UUID
    label: Literal["attack", "benign"]
    note: str | None
    created_at: Moment


class FeedbackList(msgspec.Struct, frozen=True):
    """The feedback on one prediction, oldest first; at most 200."""

    items: list[FeedbackView]


def routes(reader: FeedbackReader | None, changes: Changes | None) -> list[HTTPRouteHandler]:
    """The routes of feedback; all need a database."""
    body = JsonBody(FeedbackCreate, _MAX_BODY_BYTES)

    @post(
        "/feedback",
        operation_id="create_feedback",
        tags=["feedback"],
        opt=needs(Scope.FEEDBACK_WRITE) | takes(FeedbackCreate) | reads(IDEMPOTENCY_KEY),
        responses=documented(
            kinds.MALFORMED_BODY,
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.PREDICTION_NOT_FOUND,
            kinds.BODY_TOO_SLOW,
            kinds.BODY_TOO_LARGE,
            kinds.UNSUPPORTED_MEDIA_TYPE,
            kinds.VALIDATION_FAILED,
            kinds.IDEMPOTENCY_KEY_REUSED,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def create_feedback(request: AnyRequest) -> FeedbackView:
        """Say what a prediction should have been. `Idempotency-Key` makes a repetition harmless."""
        caller = changer(request)
        wanted = await body.read(request)
        made = await stored(changes).add_feedback(
            caller, wanted.prediction_id, wanted.label, wanted.note
        )
        return _view(made)

    @get(
        "/feedback",
        operation_id="list_feedback",
        tags=["feedback"],
        opt=needs(Scope.PREDICTIONS_READ),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def list_feedback(request: AnyRequest, prediction_id: FromQuery[UUID]) -> FeedbackList:
        """The feedback on one prediction; none for one that the tenant does not have."""
        tenant = caller_of(request.scope).tenant
        found = await stored(reader).of_prediction(tenant, prediction_id)
        return FeedbackList([_view(each) for each in found])

    return [create_feedback, list_feedback]


def _view(feedback: StoredFeedback) -> FeedbackView:
    return FeedbackView(
        id=feedback.id,
        prediction_id=feedback.prediction_id,
        label="attack" if feedback.label == "attack" else "benign",
        note=feedback.note,
        created_at=feedback.created_at,
    )
