"""Puts together what deploys: this replica as a follower, and the API's way to the deployments."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from litestar import Response
from litestar.types import ExceptionHandlersMap

from model_api.adapters.bundles.library import BundleLibrary
from model_api.adapters.bundles.signature import BundleTrust
from model_api.adapters.deployments.counters import DeploymentCounters
from model_api.adapters.deployments.disagreement_store import DisagreementStore
from model_api.adapters.deployments.replica_identity import read_or_make_identity
from model_api.adapters.deployments.snapshot import DeploymentSnapshot
from model_api.adapters.deployments.store import DeploymentStore
from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.key_files import read_secret
from model_api.adapters.object_store import ObjectStore, ObjectStoreAddress
from model_api.adapters.postgres import Database
from model_api.api import problem_kinds as kinds
from model_api.api.bodies import AnyRequest
from model_api.api.errors import on_problem
from model_api.api.problems import Problem, ProblemError
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.deployment import Deployment, DeploymentStale
from model_api.domain.deployments.replica import ReplicaReport
from model_api.domain.deployments.totals import Totals
from model_api.events.changes import Caller
from model_api.events.deployment_changes import DeploymentChanges
from model_api.settings import Settings
from model_api.work.comparing import Comparing
from model_api.work.counting import Counting
from model_api.work.deployment_follower import DeploymentFollower, FollowerOptions
from model_api.work.served_models import ServedModels
from model_api.work.version_loader import VersionLoader


def open_follower(
    settings: Settings, models: ServedModels, database: Database | None
) -> DeploymentFollower:
    """This replica, not started yet; KeyFileInvalid."""
    state = settings.state_dir
    store = None
    if settings.s3_url is not None:
        store = ObjectStore(
            ObjectStoreAddress(
                url=settings.s3_url,
                region=settings.s3_region,
                bucket=settings.models_bucket,
                access_key=read_secret(settings.s3_access_key_file),
                secret_key=read_secret(settings.s3_secret_key_file),
            )
        )
    trust = BundleTrust(settings.trusted_keys_file, allow_unsigned=settings.allow_unsigned_bundles)
    library = BundleLibrary(state / "models" if state.is_dir() else None, store, trust)
    return DeploymentFollower(
        models,
        VersionLoader(library, models),
        DeploymentSnapshot(state / "deployment.json"),
        database,
        read_or_make_identity(state),
        FollowerOptions(platform_tenant=settings.platform_tenant),
    )


@dataclass(frozen=True, slots=True)
class Serving:
    """What judges, what it is compared with, and where all that is counted."""

    model: str
    models: ServedModels
    counting: Counting
    comparing: Comparing
    follower: DeploymentFollower | None


class Deployments:
    """The deployments of the served model, which this replica follows at once."""

    def __init__(self, database: Database, model: str, follower: DeploymentFollower | None) -> None:
        self._model = model
        self._changes = DeploymentChanges(database)
        self._store = DeploymentStore(database)
        self._counters = DeploymentCounters(database, model)
        self._disagreements = DisagreementStore(database, model)
        self._follower = follower

    async def deploy(self, caller: Caller, deployment: Deployment) -> None:
        """Say what is to judge; DeploymentStale."""
        await self._changes.deploy(caller, self._model, deployment)
        if self._follower is not None:
            # It is stored; a replica that cannot read it now follows by itself.
            with suppress(DatabaseUnavailable):
                await self._follower.refresh()

    async def desired(self) -> Deployment | None:
        """What is to judge."""
        return await self._store.get(self._model)

    async def replicas(self) -> list[ReplicaReport]:
        """What each live replica has made of it."""
        return await self._store.replicas(self._model)

    async def totals(self, since: datetime) -> Totals:
        """What each version did."""
        return await self._counters.totals(since)

    async def disagreements(
        self,
        tenant: str | None,
        *,
        limit: int,
        before: UUID | None = None,
        version: str | None = None,
    ) -> Sequence[Disagreement]:
        """What a candidate judged otherwise than the champion, newest first; of all tenants
        where `tenant` is None."""
        return await self._disagreements.page(tenant, limit=limit, before=before, version=version)


def _on_stale(request: AnyRequest, stale: DeploymentStale) -> Response[Problem]:
    problem = ProblemError(
        kinds.DEPLOYMENT_STALE,
        f"Generation {stale.stored.generation} is stored.",
        generation=stale.stored.generation,
    )
    return on_problem(request, problem)


REFUSALS: ExceptionHandlersMap = {DeploymentStale: _on_stale}
"""What the API answers where a deployment is refused."""
