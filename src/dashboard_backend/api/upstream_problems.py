"""What the caller is told when a service fails: always which one."""

import math

from dashboard_backend.domain.problems import (
    BAD_GATEWAY,
    CIRCUIT_OPEN,
    DEADLINE_EXCEEDED,
    OVERLOADED,
    ProblemError,
)
from dashboard_backend.domain.upstream import (
    CircuitOpenError,
    DeadlineError,
    OverloadedError,
    UnreachableError,
    UpstreamError,
)


def problem_of(error: UpstreamError) -> ProblemError:
    """The problem that an error of a service becomes."""
    service = error.service
    match error:
        case CircuitOpenError(retry_after=seconds):
            wait = str(max(1, math.ceil(seconds)))
            detail = f"{service} is failing and is left alone for a while."
            return ProblemError(CIRCUIT_OPEN, detail, headers=(("Retry-After", wait),))
        case OverloadedError():
            detail = f"Too many requests to {service} are in flight."
            return ProblemError(OVERLOADED, detail, headers=(("Retry-After", "1"),))
        case DeadlineError():
            return ProblemError(DEADLINE_EXCEEDED, f"{service} did not answer in time.")
        case UnreachableError():
            return ProblemError(BAD_GATEWAY, f"{service} could not be reached.")
        case _:
            return ProblemError(BAD_GATEWAY, f"{service} gave no readable answer.")
