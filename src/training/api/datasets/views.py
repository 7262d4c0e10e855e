"""What the routes of datasets answer."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from training.api.moments import Moment
from training.domain.datasets.comparison import Difference
from training.domain.datasets.files import FileFormat
from training.domain.datasets.upload import Upload
from training.domain.datasets.version import DatasetVersion, Lineage, PoolRow


class ImportStarted(msgspec.Struct, frozen=True):
    """A job makes a dataset version; `upload_id` is that of the upload it reads, if any."""

    job_id: UUID
    upload_id: UUID | None = None


class UploadView(msgspec.Struct, frozen=True, kw_only=True):
    """An upload. `offset` is where it goes on; `length` what was announced; `job_id` the job that
    makes a dataset of it once it is complete."""

    id: UUID
    dataset: str
    format: FileFormat
    state: Literal["open", "complete", "aborted", "expired"]
    offset: int
    length: int | None
    idempotency_key: str | None
    job_id: UUID | None
    created_at: Moment
    updated_at: Moment


class UploadPage(msgspec.Struct, frozen=True):
    """Uploads, newest first."""

    items: list[UploadView]
    next_cursor: str | None


class DeletionView(msgspec.Struct, frozen=True):
    """When the rows of a version were deleted, by which actor, and why."""

    deleted_at: Moment
    deleted_by: str
    reason: str


class DatasetVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset version. Its rows never change, and `digest` is `sha256:<hex>` of them in order:
    the same rows have the same digest, whichever file they came from."""

    id: UUID
    name: str
    version: int
    digest: str
    rows: int
    attacks: int
    quarantined: int
    licence: str
    source: str
    purpose: Literal["training", "evaluation"]
    lineage: Lineage
    created_at: Moment
    created_by: str
    job_id: UUID
    deleted: DeletionView | None


class DatasetVersionPage(msgspec.Struct, frozen=True):
    """The versions of a dataset, newest first."""

    items: list[DatasetVersionView]
    next_cursor: str | None


class DatasetView(msgspec.Struct, frozen=True):
    """A dataset: how many versions it has that are not deleted, and the newest of all."""

    name: str
    versions: int
    latest: DatasetVersionView


class DatasetPage(msgspec.Struct, frozen=True):
    """Datasets by name."""

    items: list[DatasetView]
    next_cursor: str | None


class RowView(msgspec.Struct, frozen=True):
    """A row; `row` is its number in the file that it came from."""

    row: int
    text: str
    label: Literal[0, 1]
    source: str
    category: str


class SampleView(msgspec.Struct, frozen=True):
    """Rows drawn by lot, the same for the same seed, from `drawn_from` rows that were drawn by
    lot at the import."""

    rows: list[RowView]
    drawn_from: int


class DiffView(msgspec.Struct, frozen=True, kw_only=True):
    """How a version differs from the one at `against`. Two texts are the same when they differ in
    case, white space or compatibility forms alone. The samples hold 10 rows at most; `relabelled`
    rows are shown with their new label."""

    added: int
    removed: int
    relabelled: int
    unchanged: int
    added_sample: list[RowView]
    removed_sample: list[RowView]
    relabelled_sample: list[RowView]


def upload_view(upload: Upload) -> UploadView:
    """An upload as it is shown."""
    return UploadView(
        id=upload.id,
        dataset=upload.request.name,
        format=upload.request.format,
        state=upload.state.value,
        offset=upload.received,
        length=upload.length,
        idempotency_key=upload.idempotency_key,
        job_id=upload.job_id,
        created_at=upload.created_at,
        updated_at=upload.updated_at,
    )


def version_view(version: DatasetVersion) -> DatasetVersionView:
    """A version as it is shown."""
    deleted = version.deleted
    return DatasetVersionView(
        id=version.id,
        name=version.name,
        version=version.version,
        digest=version.digest,
        rows=version.rows,
        attacks=version.attacks,
        quarantined=version.quarantined,
        licence=version.licence,
        source=version.source,
        purpose=version.purpose.value,
        lineage=version.lineage,
        created_at=version.created_at,
        created_by=version.created_by,
        job_id=version.job_id,
        deleted=None
        if deleted is None
        else DeletionView(deleted.deleted_at, deleted.deleted_by, deleted.reason),
    )


def row_views(rows: Sequence[PoolRow]) -> list[RowView]:
    """Rows as they are shown."""
    return [
        RowView(each.row, each.text, 1 if each.label else 0, each.source, each.category)
        for each in rows
    ]


def diff_view(
    difference: Difference,
    added: Sequence[PoolRow],
    removed: Sequence[PoolRow],
    relabelled: Sequence[PoolRow],
) -> DiffView:
    """A difference as it is shown."""
    return DiffView(
        added=difference.added,
        removed=difference.removed,
        relabelled=difference.relabelled,
        unchanged=difference.unchanged,
        added_sample=row_views(added),
        removed_sample=row_views(removed),
        relabelled_sample=row_views(relabelled),
    )
