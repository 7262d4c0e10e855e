"""The kinds of problem of datasets and their uploads, and which refusals they tell of."""

from litestar import Response
from litestar.types import ExceptionHandlersMap

from training.api import problem_kinds as kinds
from training.api.bodies import AnyRequest
from training.api.errors import answering, on_problem, telling
from training.api.problem_kinds import kind
from training.api.problems import Problem, ProblemError
from training.domain.datasets.deletion import DatasetDeleted, DatasetInUse, DatasetUnknown
from training.domain.datasets.feedback import GuardUnavailable, NoFeedback
from training.domain.datasets.upload import (
    LengthMismatch,
    OffsetMismatch,
    OtherContent,
    ParentUnknown,
    TooManyPieces,
    UploadNotOpen,
    UploadTaken,
    UploadTooLarge,
    UploadUnknown,
    UrlForbidden,
)

UPLOAD_NOT_FOUND = kind(
    "upload-not-found",
    404,
    "The tenant has no such upload",
    "`GET /data/uploads` lists the uploads of the caller's tenant. One to which nothing is added "
    "for a day expires.",
)
DATASET_NOT_FOUND = kind(
    "dataset-not-found",
    404,
    "The tenant has no such dataset, or no such version of it",
    "`GET /data` lists the datasets of the caller's tenant, `GET /data/{name}` their versions.",
)
UPLOAD_NOT_OPEN = kind(
    "upload-not-open",
    409,
    "Nothing can be added to the upload",
    "The upload is complete, aborted or expired. `GET` it to see which.",
)
UPLOAD_OFFSET_MISMATCH = kind(
    "upload-offset-mismatch",
    409,
    "The bytes do not begin where the upload ends",
    "`Upload-Offset` of the answer says how many bytes have come: go on from there.",
)
UPLOAD_TAKEN = kind(
    "upload-taken",
    409,
    "Another request goes on with the upload",
    "A newer request writes to the same upload, so this one had to stop. `HEAD` the upload to see "
    "how far it is.",
)
UPLOAD_LENGTH_MISMATCH = kind(
    "upload-length-mismatch",
    409,
    "The upload has another length than was announced",
    "More bytes have come than `Upload-Length` said, or the upload was to be completed with fewer.",
)
UPLOAD_IN_TOO_MANY_PIECES = kind(
    "upload-in-too-many-pieces",
    409,
    "The upload came in too many pieces",
    "Each request adds at least one object to the store, and an upload may have 10,000 of them: "
    "send more bytes in each request.",
)
DATASET_IN_USE = kind(
    "dataset-in-use",
    409,
    "Something rests on the dataset version",
    "The detail names what does: a registered model, or an evaluation suite. `force=true` deletes "
    "the rows all the same; what rests on them can then not be made again.",
)
DATASET_DELETED = kind(
    "dataset-deleted",
    410,
    "The rows of the version were deleted",
    "What the version was, and who deleted it, can still be read; its rows are gone.",
)
NO_FEEDBACK = kind(
    "no-feedback",
    409,
    "There is no feedback to make rows of",
    "A row needs feedback on a prediction whose text a policy had stored. The detail says how many "
    "there were of which kind.",
)
URL_FORBIDDEN = kind(
    "url-forbidden",
    403,
    "Imports may not read there",
    "Objects are imported from `incoming/` in the bucket of data, or from the buckets that the "
    "setting TRAINING_IMPORT_BUCKETS names.",
)
GUARD_UNAVAILABLE = kind(
    "guard-unavailable",
    503,
    "The guard does not answer",
    "What this route needs is known to model_api, which cannot be asked now.",
)
TOO_MANY_UPLOADS = kind(
    "too-many-uploads",
    503,
    "Too many uploads are under way",
    "Each upload that is being received takes memory. Try again after `Retry-After` seconds.",
)

RECEIVING = (
    kinds.BODY_TOO_LARGE,
    kinds.BODY_TOO_SLOW,
    kinds.UNSUPPORTED_MEDIA_TYPE,
    kinds.OBJECTS_UNAVAILABLE,
    UPLOAD_TAKEN,
    UPLOAD_LENGTH_MISMATCH,
    UPLOAD_IN_TOO_MANY_PIECES,
    TOO_MANY_UPLOADS,
)
"""What any route may answer that takes the bytes of a file."""


def _offset(request: AnyRequest, error: OffsetMismatch) -> Response[Problem]:
    detail = f"The upload has {error.received} bytes so far."
    headers = {"Upload-Offset": str(error.received), "Upload-Complete": "?0"}
    return on_problem(request, ProblemError(UPLOAD_OFFSET_MISMATCH, detail, headers=headers))


def _too_large(request: AnyRequest, error: UploadTooLarge) -> Response[Problem]:
    detail = f"An upload may have {error.max_bytes} bytes."
    headers = {"Connection": "close"}
    return on_problem(request, ProblemError(kinds.BODY_TOO_LARGE, detail, headers=headers))


def _parent(request: AnyRequest, error: ParentUnknown) -> Response[Problem]:
    detail = f"The tenant has no version to be a parent: {error}."
    return on_problem(request, ProblemError(kinds.VALIDATION_FAILED, detail))


def _no_feedback(request: AnyRequest, error: NoFeedback) -> Response[Problem]:
    return on_problem(request, ProblemError(NO_FEEDBACK, f"{error}."))


def _in_use(request: AnyRequest, error: DatasetInUse) -> Response[Problem]:
    detail = f"On it rest: {error}. With `force=true` its rows are deleted all the same."
    return on_problem(request, ProblemError(DATASET_IN_USE, detail))


HANDLERS: ExceptionHandlersMap = {
    UploadUnknown: answering(UPLOAD_NOT_FOUND, "The tenant has no upload of this id."),
    UploadNotOpen: answering(UPLOAD_NOT_OPEN, "The upload is complete, aborted or expired."),
    UploadTaken: answering(UPLOAD_TAKEN, "A newer request goes on with the upload."),
    LengthMismatch: answering(
        UPLOAD_LENGTH_MISMATCH, "The upload has not as many bytes as were announced."
    ),
    TooManyPieces: answering(UPLOAD_IN_TOO_MANY_PIECES, "The upload may have 10,000 pieces."),
    UrlForbidden: answering(URL_FORBIDDEN, "Imports may not read where the URL points."),
    OtherContent: answering(
        kinds.IDEMPOTENCY_KEY_REUSED, "The Idempotency-Key came with other bytes before."
    ),
    DatasetUnknown: answering(DATASET_NOT_FOUND, "The tenant has no such dataset version."),
    DatasetDeleted: answering(DATASET_DELETED, "The rows of this version were deleted."),
    OffsetMismatch: _offset,
    UploadTooLarge: _too_large,
    ParentUnknown: _parent,
    DatasetInUse: _in_use,
    NoFeedback: _no_feedback,
    GuardUnavailable: telling(GUARD_UNAVAILABLE, retry_after_s=5),
}
"""By the exception."""
