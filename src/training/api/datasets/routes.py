"""`/data`: datasets, their versions, and what can be seen of them."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import delete, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest
from training.api.datasets import problems as data_problems
from training.api.datasets.storage import Changes, Datasets, Views
from training.api.datasets.views import (
    DatasetPage,
    DatasetVersionPage,
    DatasetVersionView,
    DatasetView,
    DiffView,
    SampleView,
    diff_view,
    row_views,
    version_view,
)
from training.api.headers import changer
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.api.reasons import ReasonOfDeletion
from training.domain.datasets.deletion import DatasetDeleted, DatasetUnknown
from training.domain.datasets.profile import Profile
from training.domain.datasets.report import Report
from training.domain.datasets.version import DatasetVersion
from training.domain.identity import Scope

_LAST_VERSION = 2**31 - 1
_VERSION = (*kinds.LISTING, data_problems.DATASET_NOT_FOUND)
_ROWS = (
    *kinds.LISTING,
    kinds.OBJECTS_UNAVAILABLE,
    data_problems.DATASET_NOT_FOUND,
    data_problems.DATASET_DELETED,
)

Against = Annotated[
    str,
    QueryParameter(
        max_length=80,
        pattern="^([a-z0-9_-]+:)?[0-9]{1,9}$",
        description="A version of the same dataset, or `name:version` of another one.",
    ),
]
Seed = Annotated[
    int, QueryParameter(ge=0, le=2**32 - 1, description="The same seed, the same rows")
]
Size = Annotated[int, QueryParameter(ge=1, le=100, description="How many rows.")]
Force = Annotated[bool, QueryParameter(description="Even if a model or a suite rests on it.")]


def routes(datasets: Datasets, views: Views, changes: Changes) -> list[HTTPRouteHandler]:
    """The routes of datasets."""

    async def known(request: AnyRequest, name: str, version: int) -> DatasetVersion:
        found = None
        if version <= _LAST_VERSION:
            found = await datasets.find(caller_of(request.scope).tenant, name, version)
        if found is None:
            raise DatasetUnknown
        return found

    async def with_rows(request: AnyRequest, name: str, version: int) -> DatasetVersion:
        found = await known(request, name, version)
        if found.deleted is not None:
            raise DatasetDeleted
        return found

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
        responses=documented(*_VERSION),
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
        responses=documented(*_VERSION),
    )
    async def get_dataset_version(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> DatasetVersionView:
        """A version: its digest, its numbers, and what it was made from."""
        return version_view(await known(request, name, version))

    @get(
        "/data/{name:str}/versions/{version:int}/report",
        operation_id="get_dataset_report",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*_VERSION),
    )
    async def get_dataset_report(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Report:
        """What the import found, with row numbers."""
        return await datasets.report(await known(request, name, version))

    @get(
        "/data/{name:str}/versions/{version:int}/profile",
        operation_id="get_dataset_profile",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*_VERSION),
    )
    async def get_dataset_profile(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Profile:
        """What the rows look like: labels, origins, lengths, languages."""
        return await datasets.profile(await known(request, name, version))

    @get(
        "/data/{name:str}/versions/{version:int}/quarantine",
        operation_id="get_dataset_quarantine",
        tags=["data"],
        media_type="application/jsonl",
        opt=needs(Scope.DATA_READ),
        responses=documented(*_ROWS),
    )
    async def get_dataset_quarantine(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Stream:
        """The records that were kept out, as JSON Lines in the order of the file: `row`,
        `reasons`, `other_row` where another row is involved, `raw` (its beginning, at most
        16 KiB; `raw_base64` where it is not UTF-8) and `raw_bytes`, its whole size."""
        parts = await views.quarantine(await with_rows(request, name, version))
        # The first piece before the first byte of the answer: what fails now is still a problem.
        first = [content async for content in views.contents(parts[:1])]

        async def rest() -> AsyncIterator[bytes]:
            for content in first:
                yield content
            async for content in views.contents(parts[1:]):
                yield content

        return Stream(
            rest(),
            media_type="application/jsonl",
            headers={
                "Content-Length": str(sum(part.bytes for part in parts)),
                "Content-Disposition": f'attachment; filename="{name}-{version}-quarantine.jsonl"',
            },
        )

    @get(
        "/data/{name:str}/versions/{version:int}/sample",
        operation_id="get_dataset_sample",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*_ROWS),
    )
    async def get_dataset_sample(
        request: AnyRequest,
        name: FromPath[str],
        version: FromPath[int],
        seed: Seed = 0,
        size: Size = 20,
    ) -> SampleView:
        """Some rows, drawn by lot; the same for the same seed."""
        found = await views.sample(await with_rows(request, name, version), seed, size)
        return SampleView(row_views(found.rows), found.drawn_from)

    @get(
        "/data/{name:str}/versions/{version:int}/diff",
        operation_id="compare_dataset_versions",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*_ROWS),
    )
    async def compare_dataset_versions(
        request: AnyRequest, name: FromPath[str], version: FromPath[int], against: Against
    ) -> DiffView:
        """What the version has that the other has not, and the other way round."""
        other_name, _, other_version = against.rpartition(":")
        new = await with_rows(request, name, version)
        old = await with_rows(request, other_name or name, int(other_version))
        found = await views.compare(old, new)
        return diff_view(found.difference, found.added, found.removed, found.relabelled)

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
        if version > _LAST_VERSION:
            raise DatasetUnknown
        return version_view(
            await changes.delete(changer(request), name, version, reason_given, force=force)
        )

    return [
        list_datasets,
        list_dataset_versions,
        get_dataset_version,
        get_dataset_report,
        get_dataset_profile,
        get_dataset_quarantine,
        get_dataset_sample,
        compare_dataset_versions,
        delete_dataset_version,
    ]


def _version_number(written: str) -> int:
    number = int(written)
    if not 0 < number <= _LAST_VERSION:
        raise ProblemError(kinds.MALFORMED_REQUEST, "The cursor is not one of this list.")
    return number
