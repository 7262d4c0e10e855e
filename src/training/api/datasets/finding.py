"""Finds the dataset version that a request is about."""

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of
from training.api.bodies import AnyRequest
from training.api.datasets import problems
from training.api.datasets.storage import Datasets
from training.domain.datasets.deletion import DatasetDeleted, DatasetUnknown
from training.domain.datasets.version import DatasetVersion

LAST_VERSION = 2**31 - 1
VERSION_REFUSALS = (*kinds.LISTING, problems.DATASET_NOT_FOUND)
"""What a route about a version may answer."""


async def known(datasets: Datasets, request: AnyRequest, name: str, version: int) -> DatasetVersion:
    """The version; DatasetUnknown."""
    found = None
    if version <= LAST_VERSION:
        found = await datasets.find(caller_of(request.scope).tenant, name, version)
    if found is None:
        raise DatasetUnknown
    return found


async def with_rows(
    datasets: Datasets, request: AnyRequest, name: str, version: int
) -> DatasetVersion:
    """The version, whose rows are there; DatasetUnknown, DatasetDeleted."""
    found = await known(datasets, request, name, version)
    if found.deleted is not None:
        raise DatasetDeleted
    return found
