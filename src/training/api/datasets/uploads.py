"""`/data/uploads`: files on their way, resumable."""

from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, head, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest
from training.api.datasets import problems as data_problems
from training.api.datasets.import_query import IMPORT_QUERY, Given
from training.api.datasets.parameters import from_query
from training.api.datasets.problems import RECEIVING
from training.api.datasets.storage import Uploads
from training.api.datasets.upload_body import UploadBodies, refuse_encoded
from training.api.datasets.upload_headers import (
    UPLOAD_COMPLETE,
    UPLOAD_LENGTH,
    UPLOAD_OFFSET,
    answered,
    headers_of,
    import_of,
    is_last,
    media_type,
    number,
)
from training.api.datasets.views import ImportStarted, UploadPage, UploadView, upload_view
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.domain.identity import Scope

_PARTIAL = ("application/partial-upload", "application/offset+octet-stream")

KeyFilter = Annotated[
    str | None,
    QueryParameter(max_length=255, description="Only the upload under this `Idempotency-Key`."),
]


def routes(uploads: Uploads, bodies: UploadBodies) -> list[HTTPRouteHandler]:
    """The routes of uploads."""

    @post(
        "/data/uploads",
        operation_id="create_upload",
        tags=["data"],
        dependencies=IMPORT_QUERY,
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
        request: AnyRequest, given: NamedDependency[Given]
    ) -> Response[UploadView]:
        """Begin an upload. Its bytes come by `PATCH`; nothing is seen of it until it is complete.

        The same `Idempotency-Key` finds the upload again.
        """
        upload = await uploads.create(
            changer(request),
            from_query(media_type(request), given),
            number(request, "upload-length"),
        )
        return answered(upload, uploads.max_bytes, 201)

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
        return answered(upload, uploads.max_bytes)

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
        return Response(None, headers=headers_of(upload, uploads.max_bytes))

    @patch(
        "/data/uploads/{upload_id:uuid}",
        operation_id="append_to_upload",
        tags=["data"],
        opt=needs(Scope.DATA_WRITE)
        | reads(UPLOAD_OFFSET, UPLOAD_COMPLETE)
        | {"streams": [*_PARTIAL]},
        responses=documented(
            *kinds.LISTING,
            *RECEIVING,
            data_problems.UPLOAD_NOT_FOUND,
            data_problems.UPLOAD_NOT_OPEN,
            data_problems.UPLOAD_OFFSET_MISMATCH,
        ),
    )
    async def append_to_upload(
        request: AnyRequest, upload_id: FromPath[UUID]
    ) -> Response[UploadView]:
        """Add bytes at an upload's end. What has come of an interrupted request is kept."""
        if media_type(request) not in _PARTIAL:
            raise ProblemError(
                kinds.UNSUPPORTED_MEDIA_TYPE, f"The Content-Type must be {_PARTIAL[0]}."
            )
        refuse_encoded(request)
        asking = changer(request)
        offset = number(request, "upload-offset")
        if offset is None:
            raise ProblemError(kinds.MALFORMED_REQUEST, "The call needs an Upload-Offset header.")
        completes = is_last(request)
        async with aclosing(bodies.chunks(request)) as body:
            upload = await uploads.append(asking, upload_id, offset, body)
        if completes:
            upload = await uploads.complete(asking, upload_id)
        return answered(upload, uploads.max_bytes)

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
        return import_of(await uploads.complete(changer(request), upload_id))

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
        create_upload,
        list_uploads,
        get_upload,
        get_upload_offset,
        append_to_upload,
        complete_upload,
        abort_upload,
    ]
