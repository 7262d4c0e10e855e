"""What an order names must be there when it is placed: ``of_training``, ``of_evaluation``.

Each looks in the caller's transaction, and raises OrderInvalid with what there is instead. The
worker looks again, since things may be deleted while a job waits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from training.adapters import known_names
from training.adapters.datasets import store as dataset_store
from training.adapters.evaluation import suite_store
from training.adapters.lifecycle import projection as model_projection
from training.adapters.postgres import Connection
from training.domain.evaluation.order import EvaluationOrder
from training.domain.suggestions import instead
from training.domain.trainers.datasets import DatasetUnfit, fit
from training.domain.trainers.order import Order, OrderInvalid


async def of_training(connection: Connection, tenant: str, parameters: Mapping[str, Any]) -> None:
    """The datasets and the suites of a training."""
    order = msgspec.convert(parameters, Order)
    for number, wanted in enumerate(order.datasets):
        found = await dataset_store.find(connection, tenant, wanted.name, wanted.version)
        try:
            fit(found, wanted)
        except DatasetUnfit as error:
            known = await known_names.datasets(connection, tenant)
            is_unknown = found is None and wanted.name not in known
            said = [error.message, instead(wanted.name, known) if is_unknown else ""]
            raise OrderInvalid(f"/datasets/{number}", " ".join(said).strip()) from None
    await _suites(connection, tenant, order.suites)


async def of_evaluation(connection: Connection, tenant: str, parameters: Mapping[str, Any]) -> None:
    """The versions and the suites of an evaluation."""
    order = msgspec.convert(parameters, EvaluationOrder)
    model = await model_projection.find_model(connection, tenant, order.model)
    if model is None:
        known = await known_names.models(connection, tenant)
        raise OrderInvalid("/model", f"There is no such model. {instead(order.model, known)}")
    for field, version in (("version", order.version), ("against", order.against)):
        if not isinstance(version, int):
            continue
        if await model_projection.find_version(connection, tenant, order.model, version) is None:
            raise OrderInvalid(
                f"/{field}", f"There is no such version; the latest is {model.latest}."
            )
    await _suites(connection, tenant, order.suites)


async def _suites(connection: Connection, tenant: str, names: Sequence[str] | None) -> None:
    for number, name in enumerate(names or ()):
        if await suite_store.find(connection, tenant, name) is None:
            known = await known_names.suites(connection, tenant)
            raise OrderInvalid(
                f"/suites/{number}", f"There is no such suite. {instead(name, known)}"
            )
