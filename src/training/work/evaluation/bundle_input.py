"""What a job is told of a version that it is to judge."""

from collections.abc import Mapping
from typing import Any

import msgspec

from training.adapters.datasets import store as dataset_store
from training.adapters.postgres import Connection
from training.domain.datasets.version import Part
from training.domain.lifecycle.projection import VersionRow


class BundleInput(msgspec.Struct, frozen=True):
    """A version's bundle in the bucket of models.

    `trained_on`: the rows that it was trained on, in the bucket of data; None where nobody knows,
    or some of them were deleted.
    """

    version: int
    digest: str
    location: str
    trained_on: tuple[Part, ...] | None


class _Dataset(msgspec.Struct):
    name: str
    version: int
    digest: str


async def bundle_input(connection: Connection, tenant: str, found: VersionRow) -> BundleInput:
    """A version's bundle, and its training data as far as its evidence names it."""
    trained_on = await _trained_on(connection, tenant, found.evidence)
    return BundleInput(found.version, found.digest, found.location, trained_on)


async def _trained_on(
    connection: Connection, tenant: str, evidence: Mapping[str, Any]
) -> tuple[Part, ...] | None:
    try:
        datasets = msgspec.convert(evidence.get("datasets"), list[_Dataset])
    except msgspec.ValidationError:
        # It was not trained here.
        return None
    parts: list[Part] = []
    for each in datasets:
        version = await dataset_store.find(connection, tenant, each.name, each.version)
        if version is None or version.deleted is not None or version.digest != each.digest:
            return None
        parts += version.parts
    return tuple(parts)
