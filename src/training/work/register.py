"""Registers a bundle that was made elsewhere: tells MLflow, uploads and signs it, records it.

``read_folder(path)``; ``Registration(...).register(bundle, ...)`` and ``make_champion(...)``. What
is done already is left as it is, so that a registration that was cut off can simply be repeated.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.bundles.signing import BundleNotSound, listed_files, sign_bundle
from training.adapters.bundles.uploads import location_of, sign_uploaded, upload
from training.adapters.lifecycle import projection as model_projection
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.mlflow.tracking import log_training
from training.adapters.object_store import ObjectStore
from training.adapters.postgres import Database
from training.domain.bundle.contents import MANIFEST, digest_of
from training.domain.identity import Changer
from training.domain.lifecycle.facts import VersionRegistered
from training.domain.rollout.rollout import Rollout
from training.domain.rollout.shaping import Wanted
from training.domain.tracking.facts import TrainingRecord, registered_name
from training.domain.trainers.order import Name
from training.events.registry import Registry
from training.events.rollout_changes import RolloutChanges

PATIENCE_SECONDS = 60.0
"""How long MLflow may be away."""


class _Manifest(msgspec.Struct):
    name: Name
    version: str
    kind: str
    created_at: datetime
    training_data: list[dict[str, Any]] = []
    metrics: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class FinishedBundle:
    """A bundle's files by name, and what its manifest says."""

    name: str
    version: str
    digest: str
    kind: str
    created_at: datetime
    training_data: list[dict[str, Any]]
    metrics: dict[str, Any]
    files: Mapping[str, bytes]


def read_folder(folder: Path) -> FinishedBundle:
    """A bundle from its folder, whatever signature lies there left aside. BundleNotSound."""
    try:
        manifest = (folder / MANIFEST).read_bytes()
        names = [MANIFEST, *listed_files(manifest)]
        files = {name: (folder / Path(name).name).read_bytes() for name in names}
        said = msgspec.json.decode(manifest, type=_Manifest)
    except OSError as error:
        raise BundleNotSound(f"{folder}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise BundleNotSound(f"{folder / MANIFEST}: {error}") from None
    return FinishedBundle(
        name=said.name,
        version=said.version,
        digest=digest_of(manifest),
        kind=said.kind,
        created_at=said.created_at.astimezone(UTC),
        training_data=said.training_data,
        metrics=said.metrics,
        files=files,
    )


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration needs."""

    database: Database
    registry: Registry
    rollouts: RolloutChanges
    models: ObjectStore
    mlflow: MlflowAddress
    key: PlatformKey
    platform_tenant: str

    async def register(self, bundle: FinishedBundle, changer: Changer, reason: str) -> int:
        """The bundle's version of the model that it names, registered by now. BundleNotSound,
        TrackingAway, TrackingRefused, StoreUnavailable, DatabaseUnavailable."""
        name = bundle.name
        known = await self._find(changer.tenant, name, bundle.digest)
        if known is not None:
            return known
        # Nothing is told to anybody of a bundle that would not be signed.
        sign_bundle(bundle.files, self.key)
        tracked = await asyncio.to_thread(
            log_training,
            self.mlflow,
            self._record(bundle, changer.tenant),
            patience_seconds=PATIENCE_SECONDS,
        )
        location = location_of(changer.tenant, name, bundle.digest)
        await upload(self.models, location, bundle.files)
        await sign_uploaded(self.models, location, bundle.digest, self.key)
        version = VersionRegistered(
            version=tracked.version,
            digest=bundle.digest,
            location=location,
            signed_by=self.key.id,
            bundle_version=bundle.version,
            mlflow_run_id=tracked.run_id,
            evidence={"training_data": bundle.training_data, "metrics": bundle.metrics},
        )
        async with self.database.transaction() as connection:
            await self.registry.register(
                connection, changer.tenant, name, version, changer.actor, reason
            )
        return tracked.version

    async def make_champion(
        self, changer: Changer, name: str, version: int, reason: str
    ) -> Rollout | None:
        """Begin the rollout of a model's first champion; None where it has one, or one is on its
        way. DatabaseUnavailable, and `Refused` where the version may not be rolled out."""
        async with self.database.connection() as connection:
            model = await model_projection.find_model(connection, changer.tenant, name)
        if model is None or model.champion is not None or model.rollout is not None:
            return None
        return await self.rollouts.start(changer, name, Wanted(version=version, reason=reason))

    async def _find(self, tenant: str, name: str, digest: str) -> int | None:
        async with self.database.connection() as connection:
            versions = await model_projection.list_versions(connection, tenant, name)
        return next((each.version for each in versions if each.digest == digest), None)

    def _record(self, bundle: FinishedBundle, tenant: str) -> TrainingRecord:
        return TrainingRecord(
            # No job made it; its digest is what a repetition is known by.
            job_id=f"registered-{bundle.digest.removeprefix('sha256:')}",
            model=registered_name(tenant, bundle.name, self.platform_tenant),
            bundle_digest=bundle.digest,
            bundle_version=bundle.version,
            trainer=bundle.kind,
            parameters={},
            started_at=bundle.created_at,
            finished_at=bundle.created_at,
            bundle=bundle.files,
        )
