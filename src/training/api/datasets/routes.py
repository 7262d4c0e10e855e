"""`/data`: datasets and their versions."""

from typing import Annotated

from litestar import delete, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest
from training.api.datasets import problems as data_problems
from training.api.datasets.finding import LAST_VERSION, VERSION_REFUSALS, known
from training.api.datasets.storage import Changes, Datasets
from training.api.datasets.views import (
    DatasetPage,
    DatasetVersionPage,
    DatasetVersionView,
    DatasetView,
    version_view,
)
from training.api.headers import changer
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.api.reasons import ReasonOfDeletion
from training.domain.datasets.deletion import DatasetUnknown
from training.domain.identity import Scope

Force = Annotated[bool, QueryParameter(description="Even if a model or a suite rests on it.")]


def routes(datasets: Datasets, changes: Changes) -> list[HTTPRouteHandler]:
    """The routes of datasets."""

    @get(
        "/data",
        operation_id="list_datasets",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING),
    )
    async def list_datasets(
        request: AnyRequest, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_SIZE
    ) -> DatasetPage:
        """The tenant's datasets by name, each with its newest version."""
        found = await datasets.page(
            caller_of(request.scope).tenant,
            limit=limit + 1,
            after=read_cursor(cursor, str) or "",
        )
        page, next_cursor = cut(found, limit, lambda each: each.name)
        return DatasetPage(
            [DatasetView(each.name, each.versions, version_view(each.latest)) for each in page],
            next_cursor,
        )

    @get(
        "/data/{name:str}",
        operation_id="list_dataset_versions",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*VERSION_REFUSALS),
    )
    async def list_dataset_versions(
        request: AnyRequest,
        name: FromPath[str],
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
    ) -> DatasetVersionPage:
        """The versions of a dataset, newest first; of deleted ones, what they were."""
        before = read_cursor(cursor, _version_number)
        found = await datasets.versions(
            caller_of(request.scope).tenant, name, limit=limit + 1, before=before
        )
        if not found and before is None:
            raise DatasetUnknown
        page, next_cursor = cut(found, limit, lambda each: str(each.version))
        return DatasetVersionPage([version_view(each) for each in page], next_cursor)

    @get(
        "/data/{name:str}/versions/{version:int}",
        operation_id="get_dataset_version",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*VERSION_REFUSALS),
    )
    async def get_dataset_version(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> DatasetVersionView:
        """A version: its digest, its numbers, and what it was made from."""
        return version_view(await known(datasets, request, name, version))

    @delete(
        "/data/{name:str}/versions/{version:int}",
        operation_id="delete_dataset_version",
        tags=["data"],
        status_code=200,
        opt=needs(Scope.DATA_WRITE),
        responses=documented(
            *kinds.LISTING, data_problems.DATASET_NOT_FOUND, data_problems.DATASET_IN_USE
        ),
    )
    async def delete_dataset_version(
        request: AnyRequest,
        name: FromPath[str],
        version: FromPath[int],
        reason_given: ReasonOfDeletion,
        force: Force = False,
    ) -> DatasetVersionView:
        """Delete the rows of a version. What it was, its digest and the reason stay."""
        if version > LAST_VERSION:
            raise DatasetUnknown
        return version_view(
            await changes.delete(changer(request), name, version, reason_given, force=force)
        )

    return [
        list_datasets,
        list_dataset_versions,
        get_dataset_version,
        delete_dataset_version,
    ]


def _version_number(written: str) -> int:
    number = int(written)
    if not 0 < number <= LAST_VERSION:
        raise ProblemError(kinds.MALFORMED_REQUEST, "The cursor is not one of this list.")
    return number
