"""The kinds of problem that suites and reports have, and the refusals that they answer."""

from litestar import Response
from litestar.types import ExceptionHandlersMap

from training.api.bodies import AnyRequest, validation_failed
from training.api.errors import answering, on_problem
from training.api.problem_kinds import kind
from training.api.problems import Problem
from training.domain.evaluation.definition import SuiteExists, SuiteInvalid

SUITE_NOT_FOUND = kind(
    "suite-not-found",
    404,
    "The tenant has no such evaluation suite",
    "`GET /suites` lists the suites of the caller's tenant, and those that are built in.",
)
SUITE_EXISTS = kind(
    "suite-exists",
    409,
    "There is an evaluation suite of this name",
    "A suite never changes, so that reports stay comparable. Make one of another name.",
)
REPORT_NOT_FOUND = kind(
    "report-not-found",
    404,
    "There is no evaluation report",
    "A version has a report when the job that trained it, or an evaluation (`POST /evaluate`), "
    "has succeeded.",
)

_EXISTS = answering(SUITE_EXISTS, "There is a suite of this name already.")


def _on_invalid(request: AnyRequest, error: SuiteInvalid) -> Response[Problem]:
    return on_problem(request, validation_failed(error.pointer, error.message))


HANDLERS: ExceptionHandlersMap = {SuiteExists: _EXISTS, SuiteInvalid: _on_invalid}
