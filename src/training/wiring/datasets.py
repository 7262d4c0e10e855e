"""Datasets in the service, put together: their routes, their upkeep, and the way in for files."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from training.adapters.datasets.guard_feedback import GuardFeedback
from training.adapters.datasets.store import DatasetStore
from training.adapters.datasets.users import models_made_of
from training.adapters.datasets.views import DatasetViews
from training.adapters.object_store import BlockingObjectStore, ObjectStore
from training.adapters.postgres import Database
from training.adapters.service_tokens import ServiceTokens, load_key
from training.api.datasets import contents, imports
from training.api.datasets import routes as data
from training.api.datasets import uploads as data_uploads
from training.api.datasets.upload_body import UploadBodies
from training.domain.datasets.upload import Upload
from training.domain.datasets.urls import ImportPlaces
from training.domain.datasets.version import ImportRequest
from training.domain.identity import Changer
from training.events.dataset_changes import DatasetChanges, Users
from training.settings import Settings
from training.utils.supervision import Task
from training.wiring.startup import bucket, database_of
from training.work.imports.upkeep import keep_datasets
from training.work.imports.uploads import Uploads

_GUARD_SCOPES = ("predictions:read",)


def uploads(
    settings: Settings, database: Database, objects: ObjectStore, tokens: ServiceTokens
) -> Uploads:
    """Where files are received."""
    places = ImportPlaces(
        frozenset(settings.import_buckets), settings.data_bucket, settings.platform_tenant
    )
    guard = GuardFeedback(
        settings.model_api_url,
        lambda tenant: tokens.mint("model_api", tenant, _GUARD_SCOPES),
    )
    return Uploads(database, objects, guard, places, settings.max_upload_bytes)


def routes(
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    tokens: ServiceTokens,
    users: Sequence[Users] = (),
) -> list[HTTPRouteHandler]:
    """The routes of datasets and of uploads. `users`, beside the registered models: see
    `DatasetChanges`."""
    store = DatasetStore(database)
    blocking = BlockingObjectStore(bucket(settings, settings.data_bucket))
    receiving = uploads(settings, database, objects, tokens)
    # Those of both kinds of route together: what is bounded is memory.
    bodies = UploadBodies(settings.body_seconds)
    return [
        *imports.routes(receiving, bodies),
        *data_uploads.routes(receiving, bodies),
        *data.routes(store, DatasetChanges(database, (models_made_of, *users))),
        *contents.routes(store, DatasetViews(store, objects, blocking)),
    ]


def tasks(database: Database, objects: ObjectStore) -> Mapping[str, Task]:
    """What is done beside answering."""
    return {"datasets": partial(keep_datasets, database, objects)}


async def send_file(
    settings: Settings,
    tenant: str | None,
    actor: str,
    request: ImportRequest,
    body: AsyncIterator[bytes],
) -> UUID:
    """Have a job import a file; the job's id.

    Raises what startup.REFUSALS names, DatabaseUnavailable and StoreUnavailable.
    """
    changer = Changer(tenant or settings.platform_tenant, actor)
    async with _receiving(settings) as receiving:
        return _job_of(await receiving.receive(changer, request, None, body))


async def read_feedback(
    settings: Settings, changer: Changer, request: ImportRequest, since: datetime, limit: int
) -> UUID:
    """Have a job import the guard's feedback; the job's id.

    Raises what startup.REFUSALS names, and what `Uploads.import_feedback` raises.
    """
    async with _receiving(settings) as receiving:
        return _job_of(await receiving.import_feedback(changer, request, since, limit))


@asynccontextmanager
async def _receiving(settings: Settings) -> AsyncIterator[Uploads]:
    objects = ObjectStore(bucket(settings, settings.data_bucket))
    tokens = ServiceTokens(load_key(settings.identity_key_file))
    async with database_of(settings) as database:
        yield uploads(settings, database, objects, tokens)


def _job_of(upload: Upload) -> UUID:
    if upload.job_id is None:
        raise LookupError("a complete upload has a job")
    return upload.job_id
