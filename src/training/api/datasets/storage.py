"""What the routes of datasets ask for, as far as they know of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from training.domain.datasets.comparison import Difference
from training.domain.datasets.profile import Profile
from training.domain.datasets.report import Report
from training.domain.datasets.upload import Upload
from training.domain.datasets.version import DatasetVersion, ImportRequest, Part, PoolRow
from training.domain.identity import Changer


class Uploads(Protocol):
    """Files on their way: see `work/imports/uploads.py`."""

    @property
    def max_bytes(self) -> int: ...

    async def create(
        self, changer: Changer, request: ImportRequest, length: int | None
    ) -> Upload: ...
    async def receive(
        self,
        changer: Changer,
        request: ImportRequest,
        length: int | None,
        body: AsyncIterator[bytes],
    ) -> Upload: ...
    async def append(
        self, changer: Changer, upload_id: UUID, offset: int, body: AsyncIterator[bytes]
    ) -> Upload: ...
    async def complete(self, changer: Changer, upload_id: UUID) -> Upload: ...
    async def abort(self, changer: Changer, upload_id: UUID) -> None: ...
    async def find(self, tenant: str, upload_id: UUID) -> Upload: ...
    async def page(
        self, tenant: str, *, limit: int, before: UUID | None, idempotency_key: str | None
    ) -> Sequence[Upload]: ...
    async def import_url(self, changer: Changer, request: ImportRequest, url: str) -> UUID: ...
    async def import_feedback(
        self, changer: Changer, request: ImportRequest, since: datetime, limit: int
    ) -> Upload: ...


class DatasetSummary(Protocol):
    """A dataset, by its newest version."""

    @property
    def name(self) -> str: ...
    @property
    def versions(self) -> int: ...
    @property
    def latest(self) -> DatasetVersion: ...


class Datasets(Protocol):
    """The versions: see `adapters/datasets/store.py`."""

    async def page(self, tenant: str, *, limit: int, after: str) -> Sequence[DatasetSummary]: ...
    async def versions(
        self, tenant: str, name: str, *, limit: int, before: int | None
    ) -> Sequence[DatasetVersion]: ...
    async def find(self, tenant: str, name: str, version: int) -> DatasetVersion | None: ...
    async def report(self, version: DatasetVersion) -> Report: ...
    async def profile(self, version: DatasetVersion) -> Profile: ...


class Sample(Protocol):
    """Rows drawn by lot."""

    @property
    def rows(self) -> list[PoolRow]: ...
    @property
    def drawn_from(self) -> int: ...


class Compared(Protocol):
    """A difference, with some of the rows that make it."""

    @property
    def difference(self) -> Difference: ...
    @property
    def added(self) -> list[PoolRow]: ...
    @property
    def removed(self) -> list[PoolRow]: ...
    @property
    def relabelled(self) -> list[PoolRow]: ...


class Views(Protocol):
    """What can be seen of the rows: see `adapters/datasets/views.py`."""

    async def quarantine(self, version: DatasetVersion) -> list[Part]: ...
    def contents(self, parts: list[Part]) -> AsyncIterator[bytes]: ...
    async def sample(self, version: DatasetVersion, seed: int, size: int) -> Sample: ...
    async def compare(self, old: DatasetVersion, new: DatasetVersion) -> Compared: ...


class Changes(Protocol):
    """Changes of versions: see `events/dataset_changes.py`."""

    async def delete(
        self, changer: Changer, name: str, version: int, reason: str, *, force: bool
    ) -> DatasetVersion: ...
