"""`/feedback`: what people say a prediction should have been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest, JsonBody, takes
from model_api.api.headers import IDEMPOTENCY_KEY, changer, reads
from model_api.api.moments import Since, parse_moment
from model_api.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from model_api.api.predictions.schemas import Moment
from model_api.api.predictions.storage import Changes, FeedbackReader, StoredFeedback, Texts, stored
from model_api.api.predictions.storage import ListedFeedback as Listed
from model_api.api.problems import documented
from model_api.domain.identity import Scope
from model_api.domain.limits import MAX_NOTE_LENGTH, MAX_PAGE_TEXT_BYTES

_MAX_BODY_BYTES = 64 * 1024

LabelFilter = Annotated[
    Literal["attack", "benign"] | None, QueryParameter(description="Only with this label.")
]
PredictionFilter = Annotated[UUID | None, QueryParameter(description="Only on this prediction.")]
WithText = Annotated[
    bool, QueryParameter(description="With the judged texts, where a policy stored them.")
]


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


class ListedFeedback(FeedbackView, frozen=True, kw_only=True):
    """An opinion in a list.

    `superseded`: a later opinion on the same prediction takes its place. `text` is what was
    judged, `text_missing` why it is not there; both are null unless texts were asked for, and with
    an opinion that is superseded.
    """

    superseded: bool
    text: str | None = None
    text_missing: Literal["not_stored", "unreadable"] | None = None


class FeedbackPage(msgspec.Struct, frozen=True):
    """Feedback, oldest first."""

    items: list[ListedFeedback]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a list has been walked, and the moment at which the walk began."""

    after: UUID
    until: datetime

    def __str__(self) -> str:
        return f"{self.after} {self.until.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that was written; ValueError."""
        after, _, until = text.partition(" ")
        moment = datetime.fromisoformat(until)
        if moment.tzinfo is None:
            raise ValueError("a moment has an offset from UTC")
        return cls(UUID(after), moment)


def routes(
    reader: FeedbackReader | None, texts: Texts | None, changes: Changes | None
) -> list[HTTPRouteHandler]:
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
    async def list_feedback(
        request: AnyRequest,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
        since: Since = None,
        label: LabelFilter = None,
        prediction_id: PredictionFilter = None,
        text: WithText = False,
    ) -> FeedbackPage:
        """The tenant's feedback, oldest first: what was there when the first page was asked for.

        With `text`, a page ends early where its texts are more than 1 MiB together.
        """
        tenant = caller_of(request.scope).tenant
        place = read_cursor(cursor, _Place.parse)
        until = datetime.now(UTC) if place is None else place.until
        found = await stored(reader).page(
            tenant,
            limit=limit + 1,
            until=until,
            after=None if place is None else place.after,
            since=None if since is None else parse_moment("since", since),
            label=label,
            prediction_id=prediction_id,
        )
        size = _fitting(found, limit) if text else limit
        page, next_cursor = cut(found, size, lambda each: str(_Place(each.id, until)))
        wanted = [each.prediction_id for each in page if text and _has_text(each)]
        read = await texts.read_many(tenant, wanted) if texts is not None and wanted else {}
        return FeedbackPage([_listed(each, read, text) for each in page], next_cursor)

    return [create_feedback, list_feedback]


def _view(feedback: StoredFeedback) -> FeedbackView:
    return FeedbackView(
        id=feedback.id,
        prediction_id=feedback.prediction_id,
        label="attack" if feedback.label == "attack" else "benign",
        note=feedback.note,
        created_at=feedback.created_at,
    )


def _has_text(feedback: Listed) -> bool:
    return feedback.text_bytes is not None and not feedback.superseded


def _fitting(found: Sequence[Listed], limit: int) -> int:
    """How many of them one page holds with their texts: at least one."""
    total = 0
    for count, each in enumerate(found[:limit]):
        total += (each.text_bytes or 0) if _has_text(each) else 0
        if total > MAX_PAGE_TEXT_BYTES and count:
            return count
    return limit


def _listed(feedback: Listed, texts: Mapping[UUID, str], with_text: bool) -> ListedFeedback:
    text: str | None = None
    missing: Literal["not_stored", "unreadable"] | None = None
    if with_text and not feedback.superseded:
        text = texts.get(feedback.prediction_id)
        if text is None:
            missing = "not_stored" if feedback.text_bytes is None else "unreadable"
    return ListedFeedback(
        **msgspec.structs.asdict(_view(feedback)),
        superseded=feedback.superseded,
        text=text,
        text_missing=missing,
    )
