"""What can be seen of a dataset version: its report, its profile, and rows."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from training.api import problem_kinds as kinds
from training.api.authentication import needs
from training.api.bodies import AnyRequest
from training.api.datasets import problems as data_problems
from training.api.datasets.finding import VERSION_REFUSALS, known, with_rows
from training.api.datasets.storage import Datasets, Views
from training.api.datasets.views import DiffView, SampleView, diff_view, row_views
from training.api.problems import documented
from training.domain.datasets.profile import Profile
from training.domain.datasets.report import Report
from training.domain.identity import Scope

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


def routes(datasets: Datasets, views: Views) -> list[HTTPRouteHandler]:
    """The routes of what a version holds."""

    @get(
        "/data/{name:str}/versions/{version:int}/report",
        operation_id="get_dataset_report",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*VERSION_REFUSALS),
    )
    async def get_dataset_report(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Report:
        """What the import found, with row numbers."""
        return await datasets.report(await known(datasets, request, name, version))

    @get(
        "/data/{name:str}/versions/{version:int}/profile",
        operation_id="get_dataset_profile",
        tags=["data"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*VERSION_REFUSALS),
    )
    async def get_dataset_profile(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> Profile:
        """What the rows look like: labels, origins, lengths, languages."""
        return await datasets.profile(await known(datasets, request, name, version))

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
        parts = await views.quarantine(await with_rows(datasets, request, name, version))
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
        found = await views.sample(await with_rows(datasets, request, name, version), seed, size)
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
        new = await with_rows(datasets, request, name, version)
        old = await with_rows(datasets, request, other_name or name, int(other_version))
        found = await views.compare(old, new)
        return diff_view(found.difference, found.added, found.removed, found.relabelled)

    return [
        get_dataset_report,
        get_dataset_profile,
        get_dataset_quarantine,
        get_dataset_sample,
        compare_dataset_versions,
    ]
