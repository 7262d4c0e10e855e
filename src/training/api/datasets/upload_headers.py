"""The headers of uploads, in requests and in answers.

Modelled on the IETF's draft of resumable uploads for HTTP: `Upload-Offset`, `Upload-Length` and
`Upload-Complete` mean what they mean there.
"""

import re

from litestar import Response

from training.api import problem_kinds as kinds
from training.api.bodies import AnyRequest
from training.api.datasets.views import ImportStarted, UploadView, upload_view
from training.api.headers import header
from training.api.problems import ProblemError
from training.domain.datasets.upload import Upload, UploadState

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


def media_type(request: AnyRequest) -> str:
    """The `Content-Type` without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def number(request: AnyRequest, name: str) -> int | None:
    """A header that counts bytes; None where it is missing. ProblemError where it does not."""
    value = request.headers.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise ProblemError(kinds.MALFORMED_REQUEST, f"{name} must be a number of bytes.")
    return int(value)


def is_last(request: AnyRequest) -> bool:
    """Whether these are the last bytes; ProblemError where the header says neither."""
    value = request.headers.get("upload-complete", "?0")
    if value not in ("?0", "?1"):
        raise ProblemError(kinds.MALFORMED_REQUEST, "Upload-Complete must be ?0 or ?1.")
    return value == "?1"


def headers_of(upload: Upload, max_bytes: int) -> dict[str, str]:
    """How far an upload is."""
    known = {} if upload.length is None else {"Upload-Length": str(upload.length)}
    return {
        "Upload-Offset": str(upload.received),
        "Upload-Complete": "?1" if upload.state is UploadState.COMPLETE else "?0",
        "Upload-Limit": f"max-size={max_bytes}",
        "Cache-Control": "no-store",
        **known,
    }


def answered(upload: Upload, max_bytes: int, status: int = 200) -> Response[UploadView]:
    """An upload, and how far it is."""
    return Response(
        upload_view(upload),
        status_code=status,
        headers={"Location": f"/data/uploads/{upload.id}", **headers_of(upload, max_bytes)},
    )


def import_of(upload: Upload) -> Response[ImportStarted]:
    """The job that a complete upload has."""
    if upload.job_id is None:
        raise LookupError("a complete upload has a job")
    return started(ImportStarted(upload.job_id, upload.id))


def started(started: ImportStarted) -> Response[ImportStarted]:
    """An import, which is watched under its `Location`."""
    return Response(started, status_code=202, headers={"Location": f"/jobs/{started.job_id}"})
