"""`POST /evaluate`, and the reports that evaluations and trainings leave."""

from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.evaluation.problems import REPORT_NOT_FOUND
from training.api.evaluation.schemas import EvaluateRequest, EvaluationView, evaluation_view
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.jobs.schemas import JobView, view
from training.api.problems import ProblemError, documented
from training.domain.evaluation.definition import StoredEvaluation
from training.domain.evaluation.markdown import render_markdown
from training.domain.evaluation.order import EvaluationOrder
from training.domain.identity import Changer, Scope
from training.domain.jobs.job import Job
from training.domain.lifecycle.model import MAX_VERSION
from training.events.job_requests import JobWanted

MAX_BODY_BYTES = 64 * 1024
EVALUATE = "evaluate"
MARKDOWN = "text/markdown"


class Queue(Protocol):
    """Where jobs are queued."""

    async def enqueue(self, changer: Changer, wanted: JobWanted) -> Job:
        """Queue a job, once for an idempotency key."""
        ...


class Reports(Protocol):
    """The reports that are kept."""

    async def of_version(self, tenant: str, model: str, version: int) -> StoredEvaluation | None:
        """The newest report on a version."""
        ...

    async def of_job(self, tenant: str, job_id: UUID) -> StoredEvaluation | None:
        """The report that a job made."""
        ...


def routes(queue: Queue, reports: Reports) -> list[HTTPRouteHandler]:
    """The routes of evaluations."""
    body = JsonBody(EvaluateRequest, MAX_BODY_BYTES)

    @post(
        "/evaluate",
        operation_id="evaluate",
        status_code=202,
        tags=["evaluation"],
        opt=needs(Scope.JOBS_WRITE) | takes(EvaluateRequest) | reads(IDEMPOTENCY_KEY),
        responses=documented(*kinds.CREATING),
    )
    async def evaluate(request: AnyRequest) -> Response[JobView]:
        """Judge a registered version on suites: a job, which is watched under its `Location`."""
        who = changer(request)
        wanted = await body.read(request)
        fields = EvaluationOrder.__struct_fields__
        seconds = wanted.deadline_seconds
        job = await queue.enqueue(
            who,
            JobWanted(
                kind=EVALUATE,
                parameters=msgspec.to_builtins({name: getattr(wanted, name) for name in fields}),
                tags=wanted.tags,
                priority=wanted.priority,
                time_limit=None if seconds is None else timedelta(seconds=seconds),
            ),
        )
        return Response(view(job), headers={"Location": f"/jobs/{job.id}"})

    @get(
        "/models/{name:str}/versions/{version:int}/report",
        operation_id="get_model_version_report",
        tags=["evaluation"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, REPORT_NOT_FOUND),
    )
    async def get_model_version_report(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Response[EvaluationView]:
        """The newest report on a version; as Markdown to who accepts `text/markdown` alone."""
        known = 0 < version <= MAX_VERSION
        tenant = caller_of(request.scope).tenant
        return _answer(request, await reports.of_version(tenant, name, version) if known else None)

    @get(
        "/jobs/{job_id:uuid}/report",
        operation_id="get_job_report",
        tags=["evaluation"],
        opt=needs(Scope.JOBS_READ),
        responses=documented(*kinds.LISTING, REPORT_NOT_FOUND),
    )
    async def get_job_report(
        request: AnyRequest, job_id: FromPath[UUID]
    ) -> Response[EvaluationView]:
        """The report that a job made; as Markdown to who accepts `text/markdown` alone."""
        return _answer(request, await reports.of_job(caller_of(request.scope).tenant, job_id))

    return [evaluate, get_model_version_report, get_job_report]


def _answer(request: AnyRequest, stored: StoredEvaluation | None) -> Response[Any]:
    if stored is None:
        raise ProblemError(REPORT_NOT_FOUND, "There is no report on this.")
    wanted = request.accept.best_match([MediaType.JSON, MARKDOWN], MediaType.JSON)
    if wanted == MARKDOWN:
        text = render_markdown(stored.report, stored.comparison)
        return Response(text, media_type=MARKDOWN, headers={"Vary": "Accept"})
    return Response(evaluation_view(stored), headers={"Vary": "Accept"})
