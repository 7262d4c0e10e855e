"""The kinds of problem that jobs have, and the refusals that they answer."""

from litestar import Response
from litestar.types import ExceptionHandlersMap

from training.api.bodies import AnyRequest, validation_failed
from training.api.errors import answering, on_problem
from training.api.problem_kinds import kind
from training.api.problems import Problem
from training.domain.jobs.refusals import JobEnded, JobNotRetryable, JobUnknown
from training.domain.trainers.order import OrderInvalid

JOB_NOT_FOUND = kind(
    "job-not-found",
    404,
    "The tenant has no such job",
    "`GET /jobs` lists the jobs of the caller's tenant.",
)
JOB_ENDED = kind(
    "job-ended",
    409,
    "The job has ended",
    "Only a job that waits or runs can be cancelled.",
)
JOB_NOT_RETRYABLE = kind(
    "job-not-retryable",
    409,
    "There is nothing to retry",
    "Only a job that has failed, was cancelled or is poisoned can be tried again.",
)
EXECUTOR_NOT_ALLOWED = kind(
    "executor-not-allowed",
    422,
    "The executor's address is not among those allowed",
    "A training runs its code on what it connects to. The platform's operator lists the clusters "
    "that may be used in TRAINING_RAY_ADDRESSES.",
)


def _on_invalid(request: AnyRequest, error: OrderInvalid) -> Response[Problem]:
    return on_problem(request, validation_failed(error.pointer, error.message))


HANDLERS: ExceptionHandlersMap = {
    OrderInvalid: _on_invalid,
    JobUnknown: answering(JOB_NOT_FOUND, "The tenant has no job of this id."),
    JobEnded: answering(JOB_ENDED, "The job has ended."),
    JobNotRetryable: answering(JOB_NOT_RETRYABLE, "The job waits, runs or has succeeded."),
}
