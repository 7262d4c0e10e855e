"""The making and the deletion of a suite, each with its audit entry, or none of it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.adapters import known_names
from training.adapters.audit_log import audit
from training.adapters.datasets import store as dataset_store
from training.adapters.datasets.objects import verified
from training.adapters.datasets.reader import decode_index
from training.adapters.evaluation import suite_store
from training.adapters.evaluation.suite_users import jobs_on
from training.adapters.object_store import ObjectStore
from training.adapters.postgres import Connection, Database
from training.domain.datasets.version import DatasetVersion, Part
from training.domain.evaluation.definition import (
    MAX_SUITE_ROWS,
    DatasetReference,
    SuiteBuiltIn,
    SuiteDefinition,
    SuiteInUse,
    SuiteInvalid,
    SuiteUnknown,
)
from training.domain.evaluation.suite import Measure
from training.domain.identity import Changer
from training.domain.suggestions import instead
from training.events.once import once


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteWanted:
    """A suite to make."""

    name: str
    description: str
    datasets: tuple[DatasetReference, ...]
    measures: tuple[Measure, ...]
    protected: bool
    is_default: bool


class SuiteChanges:
    """One transaction a change; DatabaseUnavailable, StoreUnavailable."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def create(self, changer: Changer, wanted: SuiteWanted) -> SuiteDefinition:
        """Make a suite of dataset versions, which then cannot be deleted unnoticed.

        SuiteInvalid, SuiteExists, IdempotencyConflict; ObjectMissing and ObjectAltered where the
        store does not have what was put there.
        """
        async with self._database.connection() as connection:
            indices = [
                part
                for version in await _versions(connection, changer.tenant, wanted)
                for part in await dataset_store.objects_of(connection, version.id, "index")
            ]
        fingerprints = await self._fingerprints(indices)

        async def work(connection: Connection) -> SuiteDefinition:
            versions = await _versions(connection, changer.tenant, wanted)
            suite = _definition(changer, wanted, versions)
            ids = [version.id for version in versions]
            await suite_store.insert(connection, changer.tenant, suite, ids, fingerprints)
            details = {"digest": suite.digest, "rows": suite.rows, "protected": suite.protected}
            await audit(connection, changer, "suite.created", suite.name, details)
            return suite

        async with self._database.transaction() as connection:
            request = msgspec.to_builtins(wanted)
            return await once(connection, changer, "suite.create", request, SuiteDefinition, work)

    async def delete(self, changer: Changer, name: str, reason: str) -> None:
        """Forget a suite; reports that were made on it stay. What it kept out of training data may
        come in again, and the dataset versions that it was made of may be deleted.

        SuiteUnknown, SuiteBuiltIn, SuiteInUse.
        """
        async with self._database.transaction() as connection:
            suite = await suite_store.find(connection, changer.tenant, name)
            if suite is None:
                raise SuiteUnknown(name)
            if suite.created_at is None:
                raise SuiteBuiltIn(name)
            users = await jobs_on(connection, changer.tenant, suite)
            if users:
                raise SuiteInUse(users)
            await suite_store.delete(connection, changer.tenant, name)
            details = {"digest": suite.digest, "protected": suite.protected, "reason": reason}
            await audit(connection, changer, "suite.deleted", name, details)

    async def _fingerprints(self, indices: list[Part]) -> NDArray[np.uint64]:
        found = [np.zeros(0, np.uint64)]
        for part in indices:
            content = verified(part, await self._objects.get(part.key))
            found.append(decode_index(content)["fingerprint"].astype(np.uint64))
        return np.unique(np.concatenate(found))


async def _versions(
    connection: Connection, tenant: str, wanted: SuiteWanted
) -> list[DatasetVersion]:
    """The versions that are wanted, which nobody deletes until the transaction's end."""
    versions = []
    for number, reference in enumerate(wanted.datasets):
        version = await dataset_store.lock(connection, tenant, reference.name, reference.version)
        if version is None or version.deleted is not None:
            known = await known_names.datasets(connection, tenant)
            there = "" if reference.name in known else f" {instead(reference.name, known)}"
            raise SuiteInvalid(f"/datasets/{number}", f"There is no such dataset version.{there}")
        versions.append(version)
    if sum(version.rows for version in versions) > MAX_SUITE_ROWS:
        raise SuiteInvalid("/datasets", f"A suite may have {MAX_SUITE_ROWS} rows.")
    return versions


def _definition(
    changer: Changer, wanted: SuiteWanted, versions: list[DatasetVersion]
) -> SuiteDefinition:
    rows = ",".join(version.digest for version in versions)
    return SuiteDefinition(
        name=wanted.name,
        description=wanted.description,
        digest=f"sha256:{hashlib.sha256(rows.encode()).hexdigest()}",
        measures=wanted.measures,
        protected=wanted.protected,
        is_default=wanted.is_default,
        rows=sum(version.rows for version in versions),
        attacks=sum(version.attacks for version in versions),
        datasets=wanted.datasets,
        created_by=changer.actor,
        created_at=datetime.now(UTC),
    )
