"""`/data/uploads`: files on their way, resumable; and `POST /data`, which takes one whole.

Modelled on the IETF's draft of resumable uploads for HTTP: `Upload-Offset`, `Upload-Length` and
`Upload-Complete` mean what they mean there.
"""

import re
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, head, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, forbidden, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.datasets import problems as data_problems
from training.api.datasets.parameters import (
    Columns,
    DatasetName,
    FeedbackImport,
    Format,
    LicenceOfRows,
    NearDuplicates,
    Parents,
    PurposeOfRows,
    Source,
    UrlImport,
    from_query,
)
from training.api.datasets.storage import Uploads
from training.api.datasets.upload_body import UploadBodies, content_length, refuse_encoded
from training.api.datasets.views import ImportStarted, UploadPage, UploadView, upload_view
from training.api.headers import IDEMPOTENCY_KEY, changer, header, reads
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.domain.datasets.files import MEDIA_TYPES, FileFormat
from training.domain.datasets.upload import Upload, UploadState
from training.domain.identity import Scope

_MAX_BODY_BYTES = 64 << 10
_PARTIAL = ("application/partial-upload", "application/offset+octet-stream")
_NUMBER = re.compile(r"[0-9]{1,18}")

UPLOAD_OFFSET = header(
    "Upload-Offset", "Where the bytes begin.", required=True, pattern="^[0-9]{1,18}$"
)
UPLOAD_LENGTH = header(
    "Upload-Length", "How many bytes there will be.", required=False, pattern="^[0-9]{1,18}$"
)
UPLOAD_COMPLETE = header(
    "Upload-Complete", "`?1` where these are the last bytes.", required=False, pattern=r"^\?[01]$"
)

KeyFilter = Annotated[
    str | None,
    QueryParameter(max_length=255, description="Only the upload under this `Idempotency-Key`."),
]

_RECEIVING = (
    kinds.BODY_TOO_LARGE,
    kinds.BODY_TOO_SLOW,
    kinds.UNSUPPORTED_MEDIA_TYPE,
    kinds.OBJECTS_UNAVAILABLE,
    data_problems.UPLOAD_TAKEN,
    data_problems.UPLOAD_LENGTH_MISMATCH,
    data_problems.UPLOAD_IN_TOO_MANY_PIECES,
    data_problems.TOO_MANY_UPLOADS,
)


def routes(uploads: Uploads, window_s: float) -> list[HTTPRouteHandler]:
    """The routes of uploads. `window_s`: see `UploadBodies`."""
    bodies = UploadBodies(window_s)
    url_body = JsonBody(UrlImport, _MAX_BODY_BYTES)
    feedback_body = JsonBody(FeedbackImport, _MAX_BODY_BYTES)

    @post(
        "/data",
        operation_id="import_data",
        tags=["data"],
        status_code=202,
        opt=needs(Scope.DATA_WRITE)
        | takes(UrlImport)
        | reads(IDEMPOTENCY_KEY)
        | {"streams": [*MEDIA_TYPES]},
        responses=documented(
            *kinds.CREATING, *_RECEIVING, data_problems.URL_FORBIDDEN,
            data_problems.UPLOAD_NOT_OPEN, data_problems.UPLOAD_OFFSET_MISMATCH,
        ),
    )  # fmt: skip
    async def import_data(
        request: AnyRequest,
        dataset_name: DatasetName = None,
        file_format: Format = None,
        source: Source = None,
        licence_of_rows: LicenceOfRows = None,
        columns: Columns = None,
        purpose_of_rows: PurposeOfRows = None,
        near_duplicates: NearDuplicates = None,
        parents: Parents = None,
    ) -> Response[ImportStarted]:
        """Import a file of rows: the body itself, as JSON Lines, CSV or Parquet, or an object of
        the platform's own store that a JSON body names.

        With an `Idempotency-Key` an interrupted request can be repeated, or found by
        `GET /data/uploads?idempotency_key=` and gone on with.
        """
        asking = changer(request)
        if _media_type(request) == "application/json" and file_format is None:
            wanted = await url_body.read(request)
            job_id = await uploads.import_url(
                asking, wanted.to_request(wanted.file_format()), wanted.url
            )
            return _started(ImportStarted(job_id))
        refuse_encoded(request)
        given = {
            "name": dataset_name,
            "format": file_format,
            "source": source,
            "licence": licence_of_rows,
            "columns": columns,
            "purpose": purpose_of_rows,
            "near_duplicates": near_duplicates,
            "parents": parents,
        }
        async with aclosing(bodies.chunks(request)) as body:
            upload = await uploads.receive(
                asking, from_query(_media_type(request), given), content_length(request), body
            )
        return _complete(upload)

    @post(
        "/data/from-feedback",
        operation_id="import_feedback",
        tags=["data"],
        status_code=202,
        opt=needs(Scope.DATA_WRITE) | takes(FeedbackImport) | reads(IDEMPOTENCY_KEY),
        responses=documented(
            *kinds.CREATING,
            *_RECEIVING,
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
        return _complete(upload)

    @post(
        "/data/uploads",
        operation_id="create_upload",
        tags=["data"],
        opt=needs(Scope.DATA_WRITE) | reads(IDEMPOTENCY_KEY, UPLOAD_LENGTH),
        responses=documented(
            *kinds.LISTING,
            kinds.BODY_TOO_LARGE,
            kinds.UNSUPPORTED_MEDIA_TYPE,
            kinds.VALIDATION_FAILED,
            kinds.IDEMPOTENCY_KEY_REUSED,
        ),
    )
    async def create_upload(
        request: AnyRequest,
        dataset_name: DatasetName = None,
        file_format: Format = None,
        source: Source = None,
        licence_of_rows: LicenceOfRows = None,
        columns: Columns = None,
        purpose_of_rows: PurposeOfRows = None,
        near_duplicates: NearDuplicates = None,
        parents: Parents = None,
    ) -> Response[UploadView]:
        """Begin an upload. Its bytes come by `PATCH`; nothing is seen of it until it is complete.

        The same `Idempotency-Key` finds the upload again.
        """
        given = {
            "name": dataset_name,
            "format": file_format,
            "source": source,
            "licence": licence_of_rows,
            "columns": columns,
            "purpose": purpose_of_rows,
            "near_duplicates": near_duplicates,
            "parents": parents,
        }
        upload = await uploads.create(
            changer(request),
            from_query(_media_type(request), given),
            _number(request, "upload-length"),
        )
        return _answer(upload, uploads.max_bytes, 201)

    @get(
        "/data/uploads",
        operation_id="list_uploads",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING),
    )
    async def list_uploads(
        request: AnyRequest,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
        idempotency_key: KeyFilter = None,
    ) -> UploadPage:
        """The tenant's uploads, newest first."""
        found = await uploads.page(
            caller_of(request.scope).tenant,
            limit=limit + 1,
            before=read_cursor(cursor, UUID),
            idempotency_key=idempotency_key,
        )
        page, next_cursor = cut(found, limit, lambda each: str(each.id))
        return UploadPage([upload_view(each) for each in page], next_cursor)

    @get(
        "/data/uploads/{upload_id:uuid}",
        operation_id="get_upload",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING, data_problems.UPLOAD_NOT_FOUND),
    )
    async def get_upload(request: AnyRequest, upload_id: FromPath[UUID]) -> Response[UploadView]:
        """An upload, and at which offset it goes on."""
        upload = await uploads.find(caller_of(request.scope).tenant, upload_id)
        return _answer(upload, uploads.max_bytes)

    @head(
        "/data/uploads/{upload_id:uuid}",
        operation_id="get_upload_offset",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING, data_problems.UPLOAD_NOT_FOUND),
    )
    async def get_upload_offset(request: AnyRequest, upload_id: FromPath[UUID]) -> Response[None]:
        """At which offset an upload goes on: `Upload-Offset`, and whether it is complete."""
        upload = await uploads.find(caller_of(request.scope).tenant, upload_id)
        return Response(None, headers=_headers(upload, uploads.max_bytes))

    @patch(
        "/data/uploads/{upload_id:uuid}",
        operation_id="append_to_upload",
        tags=["data"],
        opt=needs(Scope.DATA_WRITE)
        | reads(UPLOAD_OFFSET, UPLOAD_COMPLETE)
        | {"streams": [*_PARTIAL]},
        responses=documented(
            *kinds.LISTING,
            *_RECEIVING,
            data_problems.UPLOAD_NOT_FOUND,
            data_problems.UPLOAD_NOT_OPEN,
            data_problems.UPLOAD_OFFSET_MISMATCH,
        ),
    )
    async def append_to_upload(
        request: AnyRequest, upload_id: FromPath[UUID]
    ) -> Response[UploadView]:
        """Add bytes at an upload's end. What has come of an interrupted request is kept."""
        if _media_type(request) not in _PARTIAL:
            raise ProblemError(
                kinds.UNSUPPORTED_MEDIA_TYPE, f"The Content-Type must be {_PARTIAL[0]}."
            )
        refuse_encoded(request)
        asking = changer(request)
        offset = _number(request, "upload-offset")
        if offset is None:
            raise ProblemError(kinds.MALFORMED_REQUEST, "The call needs an Upload-Offset header.")
        is_last = _is_last(request)
        async with aclosing(bodies.chunks(request)) as body:
            upload = await uploads.append(asking, upload_id, offset, body)
        if is_last:
            upload = await uploads.complete(asking, upload_id)
        return _answer(upload, uploads.max_bytes)

    @post(
        "/data/uploads/{upload_id:uuid}/complete",
        operation_id="complete_upload",
        tags=["data"],
        status_code=202,
        opt=needs(Scope.DATA_WRITE),
        responses=documented(
            *kinds.LISTING,
            data_problems.UPLOAD_NOT_FOUND,
            data_problems.UPLOAD_NOT_OPEN,
            data_problems.UPLOAD_LENGTH_MISMATCH,
        ),
    )
    async def complete_upload(
        request: AnyRequest, upload_id: FromPath[UUID]
    ) -> Response[ImportStarted]:
        """Have a job make a dataset of what came. Completing it again changes nothing."""
        return _complete(await uploads.complete(changer(request), upload_id))

    @delete(
        "/data/uploads/{upload_id:uuid}",
        operation_id="abort_upload",
        tags=["data"],
        opt=needs(Scope.DATA_WRITE),
        responses=documented(
            *kinds.LISTING, data_problems.UPLOAD_NOT_FOUND, data_problems.UPLOAD_NOT_OPEN
        ),
    )
    async def abort_upload(request: AnyRequest, upload_id: FromPath[UUID]) -> None:
        """Give an upload up; its bytes are removed."""
        await uploads.abort(changer(request), upload_id)

    return [
        import_data,
        import_feedback,
        create_upload,
        list_uploads,
        get_upload,
        get_upload_offset,
        append_to_upload,
        complete_upload,
        abort_upload,
    ]


def _media_type(request: AnyRequest) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _number(request: AnyRequest, name: str) -> int | None:
    value = request.headers.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise ProblemError(kinds.MALFORMED_REQUEST, f"{name} must be a number of bytes.")
    return int(value)


def _is_last(request: AnyRequest) -> bool:
    value = request.headers.get("upload-complete", "?0")
    if value not in ("?0", "?1"):
        raise ProblemError(kinds.MALFORMED_REQUEST, "Upload-Complete must be ?0 or ?1.")
    return value == "?1"


def _headers(upload: Upload, max_bytes: int) -> dict[str, str]:
    known = {} if upload.length is None else {"Upload-Length": str(upload.length)}
    return {
        "Upload-Offset": str(upload.received),
        "Upload-Complete": "?1" if upload.state is UploadState.COMPLETE else "?0",
        "Upload-Limit": f"max-size={max_bytes}",
        "Cache-Control": "no-store",
        **known,
    }


def _answer(upload: Upload, max_bytes: int, status: int = 200) -> Response[UploadView]:
    return Response(
        upload_view(upload),
        status_code=status,
        headers={"Location": f"/data/uploads/{upload.id}", **_headers(upload, max_bytes)},
    )


def _complete(upload: Upload) -> Response[ImportStarted]:
    if upload.job_id is None:
        raise LookupError("a complete upload has a job")
    return _started(ImportStarted(upload.job_id, upload.id))


def _started(started: ImportStarted) -> Response[ImportStarted]:
    return Response(started, status_code=202, headers={"Location": f"/jobs/{started.job_id}"})
