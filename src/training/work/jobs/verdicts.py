"""What the end of a job's process means for the job."""

import logging
from dataclasses import dataclass
from typing import Any

from training.domain.jobs import endings
from training.domain.jobs.endings import Ending
from training.domain.jobs.job import Job
from training.work.jobs.messages import (
    Crashed,
    Done,
    Ended,
    Failed,
    OutOfMemory,
    Postponed,
    Stopped,
)

log = logging.getLogger(__name__)

CANNOT_BEGIN = 78
"""Exit status of a job's process that lacks what the machine should give it; EX_CONFIG of
sysexits.h. The job has done nothing yet, and is not to blame."""


@dataclass(frozen=True, slots=True)
class Success:
    """The job ran to its end; its effects are still to come."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Postponement:
    """Something that the job needs is away."""

    reason: str


@dataclass(frozen=True, slots=True)
class Killed:
    """The process ended without a word: killed, or by a defect deeper than Python."""

    status: int


type Outcome = Success | Postponement | Killed | Ending


def outcome_of(
    job: Job, ended: Ended | None, status: int, *, for_memory: bool, limit_bytes: int | None
) -> Outcome:
    """`for_memory` says that the kernel killed something here for want of memory meanwhile."""
    match ended:
        case Done(result):
            return Success(result)
        case Failed(code, message):
            return endings.failed(code, message)
        case Postponed(reason):
            return Postponement(reason)
        case OutOfMemory():
            return endings.out_of_memory(limit_bytes)
        case Stopped():
            # Nobody told it to stop: the job itself gave up.
            return endings.cancelled()
        case Crashed(description):
            return internal_error(job, description)
        case None:
            if for_memory:
                return endings.out_of_memory(limit_bytes)
            if status == CANNOT_BEGIN:
                return Postponement("The worker's machine could not begin the job.")
            return Killed(status)


def internal_error(job: Job, description: str) -> Ending:
    """A defect: its place goes to the log, and its owner learns where to look for it."""
    reference = f"{job.id}/{job.attempt}"
    log.error("a job failed by a defect", extra={"job": reference, "exception": description})
    return endings.failed("internal-error", f"Internal error; the worker's log knows {reference}.")
