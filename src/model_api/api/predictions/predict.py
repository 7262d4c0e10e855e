"""`POST /predict`: texts in, decisions out."""

from collections.abc import Sequence

from litestar import post
from litestar.handlers import HTTPRouteHandler

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest, JsonBody, takes, validation_failed
from model_api.api.headers import DEADLINE, IDEMPOTENCY_KEY, idempotency_key, reads
from model_api.api.predictions.kept_answers import KeptAnswers
from model_api.api.predictions.predicting import Asked, DataPlane
from model_api.api.predictions.results import respond
from model_api.api.predictions.schemas import PredictRequest, PredictResponse
from model_api.api.problems import ProblemError, documented
from model_api.domain.identity import Scope
from model_api.domain.limits import MAX_INPUT_BYTES
from model_api.utils.admission import Admission
from model_api.utils.request_context import context_of

_MAX_UTF8_BYTES_PER_CHARACTER = 4


def routes(
    data_plane: DataPlane,
    body: JsonBody[PredictRequest],
    admission: Admission,
    answers: KeptAnswers,
) -> list[HTTPRouteHandler]:
    """The route of the guard itself."""

    @post(
        "/predict",
        operation_id="predict",
        status_code=200,
        tags=["guard"],
        opt=needs(Scope.PREDICT) | takes(PredictRequest) | reads(DEADLINE, IDEMPOTENCY_KEY),
        responses=documented(
            kinds.MALFORMED_BODY,
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.BODY_TOO_SLOW,
            kinds.MODEL_VERSION_NOT_LOADED,
            kinds.BODY_TOO_LARGE,
            kinds.TEXT_TOO_LONG,
            kinds.UNSUPPORTED_MEDIA_TYPE,
            kinds.VALIDATION_FAILED,
            kinds.UNKNOWN_POLICY,
            kinds.IDEMPOTENCY_KEY_REUSED,
            kinds.JUDGEMENT_UNAVAILABLE,
            kinds.OVERLOADED,
            kinds.RECORDER_FULL,
        ),
    )
    async def predict(request: AnyRequest) -> PredictResponse:
        """Judge one text, several, or the messages of a conversation.

        Under an `Idempotency-Key` a repetition gets the first answer, for as long as the database
        that keeps it is there.
        """
        with admission.admit() as ticket:
            wanted = await body.read(request, ticket)
            texts = _inputs(wanted)
            _check_sizes(texts)
            context = context_of(request.scope)
            context.facts["inputs"] = len(texts)
            caller = caller_of(request.scope)
            asked = Asked(
                texts, wanted.policy, wanted.subject, wanted.session, wanted.model_version
            )

            async def judge() -> PredictResponse:
                answered = await data_plane.predict(caller, asked, context)
                return respond(answered, include_windows=wanted.include_windows)

            key = idempotency_key(context)
            if key is None:
                return await judge()
            return await answers.once(caller.tenant, key, wanted, judge)

    return [predict]


def _inputs(wanted: PredictRequest) -> Sequence[str]:
    given = [field for field in (wanted.text, wanted.texts, wanted.messages) if field is not None]
    if len(given) != 1:
        raise validation_failed("", "Exactly one of `text`, `texts` and `messages` must be given")
    if wanted.text is not None:
        return [wanted.text]
    if wanted.texts is not None:
        return wanted.texts
    return [message.content for message in wanted.messages or ()]


def _check_sizes(texts: Sequence[str]) -> None:
    for index, text in enumerate(texts):
        if len(text) * _MAX_UTF8_BYTES_PER_CHARACTER <= MAX_INPUT_BYTES:
            continue
        size = len(text.encode())
        if size > MAX_INPUT_BYTES:
            raise ProblemError(
                kinds.TEXT_TOO_LONG,
                f"Input {index} has {size} bytes in UTF-8; {MAX_INPUT_BYTES} are allowed.",
            )
