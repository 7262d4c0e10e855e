"""`POST /train`: queues a training."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from training.api import problem_kinds as kinds
from training.api.authentication import needs
from training.api.bodies import AnyRequest, JsonBody, misfit, takes, validation_failed
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.jobs.problems import EXECUTOR_NOT_ALLOWED
from training.api.jobs.schemas import JobView, TrainRequest, view
from training.api.problems import ProblemError, documented
from training.domain.identity import Changer, Scope
from training.domain.jobs.job import Job
from training.domain.trainers.order import Order, OrderInvalid, RayExecutor, check
from training.domain.trainers.trainer import AnyTrainer
from training.events.job_requests import JobWanted

MAX_BODY_BYTES = 1 << 20
TRAIN = "train"


class Queue(Protocol):
    """Where jobs are queued."""

    async def enqueue(self, changer: Changer, wanted: JobWanted) -> Job:
        """Queue a job, once for an idempotency key."""
        ...


def routes(
    queue: Queue, trainers: Mapping[str, AnyTrainer], ray_addresses: Collection[str]
) -> list[HTTPRouteHandler]:
    """The route of trainings."""
    body = JsonBody(TrainRequest, MAX_BODY_BYTES)

    @post(
        "/train",
        operation_id="train",
        status_code=202,
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE) | takes(TrainRequest) | reads(IDEMPOTENCY_KEY),
        responses=documented(EXECUTOR_NOT_ALLOWED, *kinds.CREATING),
    )
    async def train(request: AnyRequest) -> Response[JobView]:
        """Train a model on datasets: a job, which is watched under its `Location`."""
        who = changer(request)
        wanted = await body.read(request)
        _check(wanted, trainers, ray_addresses)
        parameters = {name: getattr(wanted, name) for name in Order.__struct_fields__}
        job = await queue.enqueue(
            who,
            JobWanted(
                kind=TRAIN,
                parameters=msgspec.to_builtins(parameters),
                tags=wanted.tags,
                priority=wanted.priority,
                time_limit=_time_limit(wanted.deadline_seconds),
            ),
        )
        return Response(view(job), headers={"Location": f"/jobs/{job.id}"})

    return [train]


def _check(
    wanted: TrainRequest, trainers: Mapping[str, AnyTrainer], ray_addresses: Collection[str]
) -> None:
    trainer = trainers.get(wanted.trainer)
    if trainer is None:
        raise validation_failed("/trainer", f"One of {', '.join(sorted(trainers))} is needed.")
    try:
        check(wanted, trainer)
    except OrderInvalid as error:
        raise misfit(error.message, trainer.parameters, error.pointer) from None
    executor = wanted.executor
    if isinstance(executor, RayExecutor) and executor.address not in ray_addresses:
        raise ProblemError(
            EXECUTOR_NOT_ALLOWED,
            "The address is none of those that the operator allows (TRAINING_RAY_ADDRESSES).",
        )


def _time_limit(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
