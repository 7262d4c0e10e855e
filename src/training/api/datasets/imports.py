"""`POST /data`, which takes a file whole or where it lies, and `/data/from-feedback`."""

from contextlib import aclosing

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, forbidden, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.datasets import problems as data_problems
from training.api.datasets.import_query import IMPORT_QUERY, Given
from training.api.datasets.parameters import FeedbackImport, UrlImport, from_query
from training.api.datasets.problems import RECEIVING
from training.api.datasets.storage import Uploads
from training.api.datasets.upload_body import UploadBodies, content_length, refuse_encoded
from training.api.datasets.upload_headers import import_of, media_type, started
from training.api.datasets.views import ImportStarted
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.problems import documented
from training.domain.datasets.files import MEDIA_TYPES, FileFormat
from training.domain.identity import Scope

_MAX_BODY_BYTES = 64 << 10


def routes(uploads: Uploads, bodies: UploadBodies) -> list[HTTPRouteHandler]:
    """The routes that import in one request."""
    url_body = JsonBody(UrlImport, _MAX_BODY_BYTES)
    feedback_body = JsonBody(FeedbackImport, _MAX_BODY_BYTES)

    @post(
        "/data",
        operation_id="import_data",
        tags=["data"],
        status_code=202,
        dependencies=IMPORT_QUERY,
        opt=needs(Scope.DATA_WRITE)
        | takes(UrlImport)
        | reads(IDEMPOTENCY_KEY)
        | {"streams": [*MEDIA_TYPES]},
        responses=documented(
            *kinds.CREATING, *RECEIVING, data_problems.URL_FORBIDDEN,
            data_problems.UPLOAD_NOT_OPEN, data_problems.UPLOAD_OFFSET_MISMATCH,
        ),
    )  # fmt: skip
    async def import_data(
        request: AnyRequest, given: NamedDependency[Given]
    ) -> Response[ImportStarted]:
        """Import a file of rows: the body itself, as JSON Lines, CSV or Parquet, or an object of
        the platform's own store that a JSON body names.

        With an `Idempotency-Key` an interrupted request can be repeated, or found by
        `GET /data/uploads?idempotency_key=` and gone on with.
        """
        asking = changer(request)
        if media_type(request) == "application/json" and given["format"] is None:
            wanted = await url_body.read(request)
            job_id = await uploads.import_url(
                asking, wanted.to_request(wanted.file_format()), wanted.url
            )
            return started(ImportStarted(job_id))
        refuse_encoded(request)
        async with aclosing(bodies.chunks(request)) as body:
            upload = await uploads.receive(
                asking, from_query(media_type(request), given), content_length(request), body
            )
        return import_of(upload)

    @post(
        "/data/from-feedback",
        operation_id="import_feedback",
        tags=["data"],
        status_code=202,
        opt=needs(Scope.DATA_WRITE) | takes(FeedbackImport) | reads(IDEMPOTENCY_KEY),
        responses=documented(
            *kinds.CREATING,
            *RECEIVING,
            data_problems.NO_FEEDBACK,
            data_problems.GUARD_UNAVAILABLE,
            data_problems.UPLOAD_NOT_OPEN,
            data_problems.UPLOAD_OFFSET_MISMATCH,
        ),
    )
    async def import_feedback(request: AnyRequest) -> Response[ImportStarted]:
        """Import what people said of the guard's predictions since a moment, the oldest first: a
        row for each prediction whose text was stored, labelled as the latest opinion on it says.

        It takes the scope `predictions:read` too, as reading the texts at the guard does. The
        report of the version says what made no row, and why. The same `Idempotency-Key` goes on
        with what was interrupted.
        """
        asking = changer(request)
        if not caller_of(request.scope).may(Scope.PREDICTIONS_READ):
            raise forbidden(Scope.PREDICTIONS_READ)
        wanted = await feedback_body.read(request)
        upload = await uploads.import_feedback(
            asking, wanted.to_request(FileFormat.JSONL), wanted.since, wanted.predictions
        )
        return import_of(upload)

    return [import_data, import_feedback]
