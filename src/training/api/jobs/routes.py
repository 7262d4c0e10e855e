"""`/jobs`: what is done, how far it is, and what it told."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest
from training.api.headers import changer, reads
from training.api.jobs import problems
from training.api.jobs.schemas import JobPage, JobView, Kind, State, view
from training.api.jobs.stream import JobFeed, log_lines, server_sent, until_end
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.domain.identity import Changer, Scope
from training.domain.jobs.job import Job, JobState

LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was seen: the stream goes on behind it.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
}
_ALL_SEEN = {
    204: ResponseSpec(None, description="The job has ended, and all that it told was seen.")
}
_UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

StateFilter = Annotated[
    State | None, QueryParameter(name="state", description="Only in this state.")
]
KindFilter = Annotated[Kind | None, QueryParameter(name="kind", description="Only of this kind.")]
Follow = Annotated[bool, QueryParameter(description="Go on until the job has ended.")]


class Jobs(Protocol):
    """The jobs, to read."""

    async def get(self, tenant: str, job_id: UUID) -> Job | None:
        """The tenant's job of this id."""
        ...

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        before: UUID | None = None,
        state: JobState | None = None,
        kind: str | None = None,
    ) -> Sequence[Job]:
        """The tenant's jobs, newest first."""
        ...


class Requests(Protocol):
    """What people ask of jobs."""

    async def cancel(self, changer: Changer, job_id: UUID) -> Job:
        """Have a job stop."""
        ...

    async def retry(self, changer: Changer, job_id: UUID) -> Job:
        """Queue an ended job again."""
        ...


def routes(jobs: Jobs, requests: Requests, feed: JobFeed) -> list[HTTPRouteHandler]:
    """The routes of jobs."""

    async def find(request: AnyRequest, job_id: UUID) -> Job:
        job = await jobs.get(caller_of(request.scope).tenant, job_id)
        if job is None:
            raise ProblemError(problems.JOB_NOT_FOUND, "The tenant has no job of this id.")
        return job

    @get(
        "/jobs",
        operation_id="list_jobs",
        tags=["jobs"],
        opt=needs(Scope.JOBS_READ),
        responses=documented(*kinds.LISTING),
    )
    async def list_jobs(
        request: AnyRequest,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
        in_state: StateFilter = None,
        of_kind: KindFilter = None,
    ) -> JobPage:
        """The tenant's jobs, newest first."""
        found = await jobs.page(
            caller_of(request.scope).tenant,
            limit=limit + 1,
            before=read_cursor(cursor, UUID),
            state=None if in_state is None else JobState(in_state),
            kind=of_kind,
        )
        page, next_cursor = cut(found, limit, lambda each: str(each.id))
        return JobPage([view(job) for job in page], next_cursor)

    @get(
        "/jobs/{job_id:uuid}",
        operation_id="get_job",
        tags=["jobs"],
        opt=needs(Scope.JOBS_READ),
        responses=documented(problems.JOB_NOT_FOUND, *kinds.LISTING),
    )
    async def get_job(request: AnyRequest, job_id: FromPath[UUID]) -> JobView:
        """One job, with its progress, and its result or its error."""
        return view(await find(request, job_id))

    @get(
        "/jobs/{job_id:uuid}/events",
        operation_id="follow_job",
        tags=["jobs"],
        media_type="text/event-stream",
        opt=needs(Scope.JOBS_READ) | reads(LAST_EVENT_ID),
        responses=_ALL_SEEN | documented(problems.JOB_NOT_FOUND, *kinds.LISTING),
    )
    async def follow_job(request: AnyRequest, job_id: FromPath[UUID]) -> Stream:
        """What the job tells, as server-sent events `state`, `progress` and `log`.

        The stream ends with the job; a comment comes where there is nothing to tell for 15
        seconds. Whoever was cut off goes on with `Last-Event-ID`; behind the end there is nothing,
        which tells a browser to ask no more.
        """
        job = await find(request, job_id)
        after, ended_at = _last_event_id(request), await feed.ended_at(job.id)
        if ended_at is not None and after >= ended_at:
            return Stream((), status_code=204)
        events = until_end(feed, job.id, after)
        # Without the charset that the framework would add: such streams are UTF-8 by definition.
        headers = {**_UNBUFFERED, "content-type": "text/event-stream"}
        return Stream(server_sent(events), headers=headers)

    @get(
        "/jobs/{job_id:uuid}/log",
        operation_id="read_job_log",
        tags=["jobs"],
        media_type="text/plain",
        opt=needs(Scope.JOBS_READ),
        responses=documented(problems.JOB_NOT_FOUND, *kinds.LISTING),
    )
    async def read_job_log(
        request: AnyRequest, job_id: FromPath[UUID], follow: Follow = False
    ) -> Stream:
        """The job's log: a line each, its moment first.

        While it is followed, an empty line comes where there is nothing to log for 15 seconds, so
        that nobody on the way closes the connection. Whoever must go on after being cut off
        follows the events, which have ids.
        """
        job = await find(request, job_id)
        events = until_end(feed, job.id) if follow else feed.so_far(job.id, "log")
        return Stream(log_lines(events), media_type="text/plain", headers=dict(_UNBUFFERED))

    @post(
        "/jobs/{job_id:uuid}/cancel",
        operation_id="cancel_job",
        status_code=202,
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE),
        responses=documented(problems.JOB_NOT_FOUND, problems.JOB_ENDED, *kinds.LISTING),
    )
    async def cancel_job(request: AnyRequest, job_id: FromPath[UUID]) -> JobView:
        """Have a job stop: a waiting one at once, a running one within seconds."""
        return view(await requests.cancel(changer(request), job_id))

    @post(
        "/jobs/{job_id:uuid}/retry",
        operation_id="retry_job",
        status_code=202,
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE),
        responses=documented(problems.JOB_NOT_FOUND, problems.JOB_NOT_RETRYABLE, *kinds.LISTING),
    )
    async def retry_job(request: AnyRequest, job_id: FromPath[UUID]) -> Response[JobView]:
        """Queue an ended job again; it goes on from its last checkpoint."""
        job = await requests.retry(changer(request), job_id)
        return Response(view(job), headers={"Location": f"/jobs/{job.id}"})

    return [list_jobs, get_job, follow_job, read_job_log, cancel_job, retry_job]


def _last_event_id(request: AnyRequest) -> int:
    value = request.headers.get("last-event-id", "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ProblemError(
            kinds.MALFORMED_REQUEST, "Last-Event-ID must be the id of an event of this stream."
        )
    return int(value)
