"""What the routes of jobs take and give."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from training.api.moments import Moment
from training.domain.jobs.job import MAX_PRIORITY, MIN_PRIORITY, Job
from training.domain.jobs.limits import MAX_TAG_LENGTH, MAX_TAGS, MAX_TIME_LIMIT_S
from training.domain.trainers.order import Order

Kind = Literal["evaluate", "import", "train"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled", "poisoned"]
Tag = Annotated[str, msgspec.Meta(max_length=MAX_TAG_LENGTH, pattern="^[^\\u0000]*$")]
TagName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[^\\u0000]*$")]


class TrainRequest(Order, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A training to queue. The more urgent of a tenant's jobs go first."""

    tags: Annotated[dict[TagName, Tag], msgspec.Meta(max_length=MAX_TAGS)] = msgspec.field(
        default_factory=dict
    )
    priority: Annotated[int, msgspec.Meta(ge=MIN_PRIORITY, le=MAX_PRIORITY)] = 0
    deadline_seconds: (
        Annotated[
            float,
            msgspec.Meta(
                gt=0,
                le=MAX_TIME_LIMIT_S,
                description="The job fails unless it is done by then, waiting included.",
            ),
        ]
        | None
    ) = None


class ProgressView(msgspec.Struct, frozen=True):
    """How far a job is: `fraction` in [0, 1], `numbers` such as the loss."""

    fraction: float
    step: str
    numbers: dict[str, float]
    eta_seconds: float | None


class ErrorView(msgspec.Struct, frozen=True):
    """Why a job did not succeed, or why it waits."""

    code: str
    message: str


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `attempt` counts how often it was begun; `killed_attempts` those that were killed."""

    id: UUID
    kind: str
    state: State
    parameters: dict[str, Any]
    tags: dict[str, str]
    priority: int
    actor: str
    attempt: int
    killed_attempts: int
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    deadline_at: Moment | None
    cancel_requested_at: Moment | None
    progress: ProgressView | None
    result: dict[str, Any] | None
    error: ErrorView | None


class JobPage(msgspec.Struct, frozen=True):
    """Jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


class TrainerView(msgspec.Struct, frozen=True):
    """A trainer; `parameters` is the JSON Schema of what it can be told."""

    name: str
    summary: str
    parameters: dict[str, Any]


class TrainerList(msgspec.Struct, frozen=True):
    """Every trainer there is, by name."""

    items: list[TrainerView]


def view(job: Job) -> JobView:
    """A job as it is shown."""
    return msgspec.convert(job, JobView, from_attributes=True)
