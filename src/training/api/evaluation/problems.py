"""The kinds of problem that suites and reports have, and the refusals that they answer."""

from litestar import Response
from litestar.types import ExceptionHandlersMap

from training.api.bodies import AnyRequest, validation_failed
from training.api.errors import answering, on_problem, telling
from training.api.problem_kinds import kind
from training.api.problems import Problem
from training.domain.evaluation.definition import (
    SuiteBuiltIn,
    SuiteExists,
    SuiteInUse,
    SuiteInvalid,
    SuiteUnknown,
)

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
SUITE_BUILT_IN = kind(
    "suite-built-in",
    409,
    "The evaluation suite is built in",
    "Suites that come with the service stay, so that models of all times are judged on them.",
)
SUITE_IN_USE = kind(
    "suite-in-use",
    409,
    "Something needs the evaluation suite",
    "The detail names jobs that wait or run and judge models on the suite, by its name or because "
    "it is `default`. Wait for them, or cancel them.",
)
REPORT_NOT_FOUND = kind(
    "report-not-found",
    404,
    "There is no evaluation report",
    "A version has a report when the job that trained it, or an evaluation (`POST /evaluate`), "
    "has succeeded.",
)


def _on_invalid(request: AnyRequest, error: SuiteInvalid) -> Response[Problem]:
    return on_problem(request, validation_failed(error.pointer, error.message))


HANDLERS: ExceptionHandlersMap = {
    SuiteBuiltIn: answering(SUITE_BUILT_IN, "The suite comes with the service."),
    SuiteExists: answering(SUITE_EXISTS, "There is a suite of this name already."),
    SuiteInUse: telling(SUITE_IN_USE),
    SuiteInvalid: _on_invalid,
    SuiteUnknown: answering(SUITE_NOT_FOUND, "The tenant has no suite of this name."),
}
