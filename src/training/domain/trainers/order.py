"""What a training is to be: the parameters of a job of the kind `train`."""

from typing import Annotated, Any, Literal

import msgspec

from training.domain.bundle.release import MAX_NAME_LENGTH, NAME_PATTERN
from training.domain.jobs.limits import MAX_DATASETS, MAX_TRIALS
from training.domain.trainers.trainer import AnyTrainer

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=NAME_PATTERN)]
Criterion = Literal["auc", "recall_sensitive", "recall_balanced", "recall_strict"]


class OrderInvalid(ValueError):
    """The order cannot be carried out; `pointer` says which part of it is at fault."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.message = message


class DatasetReference(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A version of a dataset of the tenant's."""

    name: Name
    version: Annotated[int, msgspec.Meta(ge=1)]


class RayExecutor(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag="ray", tag_field="kind"
):
    """A Ray cluster, by an address that the platform's operator allows."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


Executor = Literal["local"] | RayExecutor
Values = Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_TRIALS)]


class Order(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A model to train: with one set of parameters, or with the best of a sweep's.

    A sweep tries every combination of the `values`, and takes that which is best by the
    `criterion`, measured out of fold; the first of equals.
    """

    name: Annotated[Name, msgspec.Meta(description="The model that this is to be a version of.")]
    datasets: Annotated[list[DatasetReference], msgspec.Meta(min_length=1, max_length=MAX_DATASETS)]
    trainer: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "linear"
    parameters: Annotated[
        dict[str, Any], msgspec.Meta(description="As the trainer declares (`GET /trainers`).")
    ] = msgspec.field(default_factory=dict)
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 1
    sweep: (
        Annotated[
            dict[str, Values],
            msgspec.Meta(min_length=1, max_length=16, description="Values by parameter."),
        ]
        | None
    ) = None
    criterion: Criterion = "auc"
    suites: (
        Annotated[
            list[Name],
            msgspec.Meta(
                max_length=64,
                description="Evaluation suites; all that are built in or default where left out.",
            ),
        ]
        | None
    ) = None
    executor: Executor = "local"


def check(order: Order, trainer: AnyTrainer) -> list[msgspec.Struct]:
    """The trainer's parameters of every trial, in order; one where there is no sweep.

    Raises OrderInvalid.
    """
    sweep = order.sweep or {}
    for name in sweep:
        if name in order.parameters:
            raise OrderInvalid(f"/sweep/{name}", "It is among `parameters` too.")
    combinations: list[dict[str, Any]] = [{}]
    for name, values in sorted(sweep.items()):
        if len(combinations) * len(values) > MAX_TRIALS:
            raise OrderInvalid("/sweep", f"There may be {MAX_TRIALS} combinations.")
        combinations = [{**one, name: value} for one in combinations for value in values]
    pointer = "/sweep" if sweep else "/parameters"
    trials = []
    for combination in combinations:
        try:
            trials.append(msgspec.convert({**order.parameters, **combination}, trainer.parameters))
        except msgspec.ValidationError as error:
            raise OrderInvalid(pointer, str(error)) from None
    return trials
