"""`/trainers`: how models can be trained, and what each way can be told."""

from collections.abc import Mapping

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from training.api import problem_kinds as kinds
from training.api.authentication import needs
from training.api.jobs.schemas import TrainerList, TrainerView
from training.api.problems import documented
from training.domain.identity import Scope
from training.domain.trainers.trainer import AnyTrainer


def routes(trainers: Mapping[str, AnyTrainer]) -> list[HTTPRouteHandler]:
    """The routes of trainers."""
    described = TrainerList(
        [
            TrainerView(name, trainer.summary, _schema(trainer.parameters))
            for name, trainer in sorted(trainers.items())
        ]
    )

    @get(
        "/trainers",
        operation_id="list_trainers",
        tags=["jobs"],
        opt=needs(Scope.JOBS_READ),
        responses=documented(*kinds.LISTING),
        sync_to_thread=False,
    )
    def list_trainers() -> TrainerList:
        """Every trainer, with the JSON Schema of its parameters."""
        return described

    return [list_trainers]


def _schema(parameters: type[msgspec.Struct]) -> dict[str, object]:
    """The schema of the struct itself, closed and without references to it."""
    (schema,), components = msgspec.json.schema_components([parameters])
    name = schema["$ref"].rpartition("/")[2]
    described: dict[str, object] = components.pop(name)
    return described | ({"$defs": components} if components else {})
