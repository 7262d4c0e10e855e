"""`/models/{name}/deployment`: which versions judge, and what they do."""

from typing import Annotated
from uuid import UUID

from litestar import get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest, JsonBody, takes, validation_failed
from model_api.api.deployments.schemas import (
    DeploymentBody,
    DeploymentMetrics,
    DeploymentState,
    DisagreementPage,
    DisagreementView,
    FeedbackCount,
    LatencyView,
    ReplicaVersion,
    ReplicaView,
    VersionMetrics,
    body_of,
    deployment_of,
)
from model_api.api.headers import changer
from model_api.api.moments import parse_moment
from model_api.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from model_api.api.predictions.storage import Deployments, stored
from model_api.api.problems import ProblemError, documented
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.deployment import DeploymentInvalid
from model_api.domain.deployments.replica import ReplicaReport
from model_api.domain.deployments.totals import VersionTotals
from model_api.domain.identity import Scope

_MAX_BODY_BYTES = 64 * 1024

Since = Annotated[
    str, QueryParameter(description="From this moment on (RFC 3339).", format="date-time")
]
VersionFilter = Annotated[
    str | None, QueryParameter(max_length=64, description="Only of this version.")
]

_READ_KINDS = (
    kinds.MALFORMED_REQUEST,
    kinds.UNAUTHENTICATED,
    kinds.FORBIDDEN,
    kinds.MODEL_NOT_FOUND,
    kinds.STORAGE_UNAVAILABLE,
)
_READING = documented(*_READ_KINDS)


def routes(
    model: str, deployments: Deployments | None, platform_tenant: str
) -> list[HTTPRouteHandler]:
    """The routes of the deployment of ``model``; all need a database.

    What is said of all tenants together the operator of the platform alone may see.
    """
    body = JsonBody(DeploymentBody, _MAX_BODY_BYTES)

    @put(
        "/models/{name:str}/deployment",
        operation_id="put_deployment",
        tags=["deployments"],
        opt=needs(Scope.DEPLOYMENTS_WRITE) | takes(DeploymentBody),
        responses=documented(
            kinds.MALFORMED_BODY,
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.MODEL_NOT_FOUND,
            kinds.BODY_TOO_SLOW,
            kinds.DEPLOYMENT_STALE,
            kinds.BODY_TOO_LARGE,
            kinds.UNSUPPORTED_MEDIA_TYPE,
            kinds.VALIDATION_FAILED,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def put_deployment(request: AnyRequest, name: FromPath[str]) -> DeploymentBody:
        """Say what is to judge, under a higher generation than before.

        The same again changes nothing. Every replica follows within seconds; `GET` tells how far.
        """
        caller = changer(request)
        _check_name(name, model)
        wanted = await body.read(request)
        try:
            deployment = deployment_of(wanted)
        except DeploymentInvalid as error:
            raise validation_failed(f"/{error.field.replace('.', '/')}", error.reason) from None
        await stored(deployments).deploy(caller, deployment)
        return body_of(deployment)

    @get(
        "/models/{name:str}/deployment",
        operation_id="get_deployment",
        tags=["deployments"],
        opt=needs(Scope.DEPLOYMENTS_READ),
        responses=_READING,
    )
    async def get_deployment(name: FromPath[str]) -> DeploymentState:
        """What is desired, and what each live replica has made of it."""
        _check_name(name, model)
        desired = await stored(deployments).desired()
        replicas = await stored(deployments).replicas()
        return DeploymentState(
            None if desired is None else body_of(desired), [_replica(each) for each in replicas]
        )

    @get(
        "/models/{name:str}/deployment/metrics",
        operation_id="get_deployment_metrics",
        tags=["deployments"],
        opt=needs(Scope.DEPLOYMENTS_READ),
        responses=documented(*_READ_KINDS, kinds.NOT_THE_PLATFORM_TENANT),
    )
    async def get_deployment_metrics(
        request: AnyRequest, name: FromPath[str], since: Since
    ) -> DeploymentMetrics:
        """What each version did in each role, for all tenants together, which the operator of the
        platform alone may see; at most two seconds old."""
        if not caller_of(request.scope).operates(platform_tenant):
            raise ProblemError(
                kinds.NOT_THE_PLATFORM_TENANT,
                "The counts are of all tenants; keys of the platform's own tenant see them.",
            )
        _check_name(name, model)
        span = await stored(deployments).totals(parse_moment("since", since))
        versions = [_metrics(each) for each in span.versions]
        return DeploymentMetrics(span.since, span.until, versions)

    @get(
        "/models/{name:str}/deployment/disagreements",
        operation_id="list_deployment_disagreements",
        tags=["deployments"],
        opt=needs(Scope.DEPLOYMENTS_READ),
        responses=_READING,
    )
    async def list_deployment_disagreements(
        request: AnyRequest,
        name: FromPath[str],
        version: VersionFilter = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
    ) -> DisagreementPage:
        """The tenant's inputs that a candidate judged otherwise than the champion, newest first;
        for the operator of the platform, those of all tenants."""
        _check_name(name, model)
        caller = caller_of(request.scope)
        found = await stored(deployments).disagreements(
            None if caller.operates(platform_tenant) else caller.tenant,
            limit=limit + 1,
            before=read_cursor(cursor, UUID),
            version=version,
        )
        page, next_cursor = cut(found, limit, lambda each: str(each.id))
        return DisagreementPage([_disagreement(each) for each in page], next_cursor)

    return [
        put_deployment,
        get_deployment,
        get_deployment_metrics,
        list_deployment_disagreements,
    ]


def _check_name(name: str, model: str) -> None:
    if name != model:
        raise ProblemError(kinds.MODEL_NOT_FOUND, "No model of this name is served here.")


def _replica(report: ReplicaReport) -> ReplicaView:
    versions = [
        ReplicaVersion(each.version, each.digest, each.state.value, each.reason)
        for each in report.versions
    ]
    return ReplicaView(report.replica_id, report.seen_at, report.generation, versions)


def _metrics(totals: VersionTotals) -> VersionMetrics:
    latency = totals.latency_ms
    return VersionMetrics(
        version=totals.version,
        role=totals.role.value,
        predictions=totals.predictions,
        errors=totals.errors,
        blocked=totals.blocked,
        flagged=totals.flagged,
        latency_ms=(
            None
            if latency is None
            else LatencyView(latency.mean, latency.p50, latency.p95, latency.p99)
        ),
        compared=totals.compared,
        disagreements=totals.disagreements,
        feedback=FeedbackCount(totals.feedback, totals.contradicting),
    )


def _disagreement(found: Disagreement) -> DisagreementView:
    return DisagreementView(
        prediction_id=found.prediction_id,
        at=found.at,
        version=found.version,
        decision=found.decision.value,
        score=found.score,
        champion_version=found.champion_version,
        champion_decision=found.champion_decision.value,
        champion_score=found.champion_score,
    )
