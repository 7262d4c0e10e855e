"""Brings files to the platform: uploads piece by piece, and the jobs that import them.

Nothing of an upload is visible before it is complete. What has come lies in the store in pieces,
and the database says which of them count, so that an upload goes on from there whatever happened.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid4

from training.adapters.datasets import uploads as dataset_uploads
from training.adapters.failures import DatabaseUnavailable
from training.adapters.idempotency import IdempotencyConflict
from training.adapters.object_store import StoreUnavailable
from training.adapters.postgres import Connection, Database
from training.domain.datasets.feedback import (
    FeedbackCounts,
    FeedbackWalk,
    GuardUnavailable,
    NoFeedback,
)
from training.domain.datasets.upload import (
    LengthMismatch,
    OtherContent,
    Repetition,
    Upload,
    UploadNotOpen,
    UploadState,
    UploadTaken,
    UploadTooLarge,
    UrlForbidden,
)
from training.domain.datasets.urls import ImportPlaces
from training.domain.datasets.version import ImportRequest, OriginKind
from training.domain.identity import Changer
from training.events.once import once
from training.work.imports.feedback import FeedbackReader, feedback_lines
from training.work.imports.kind import ImportParameters
from training.work.imports.pieces import Objects, Pieces
from training.work.imports.queueing import check_parents, queue_import


@dataclass(frozen=True, slots=True)
class _Started:
    """What is kept of a request for an import."""

    job_id: UUID


class Uploads:
    """All methods raise DatabaseUnavailable, and those that take bytes StoreUnavailable."""

    def __init__(
        self,
        database: Database,
        objects: Objects,
        guard: FeedbackReader,
        places: ImportPlaces,
        max_bytes: int,
    ) -> None:
        self._database = database
        self._objects = objects
        self._guard = guard
        self._places = places
        self.max_bytes = max_bytes

    async def create(self, changer: Changer, request: ImportRequest, length: int | None) -> Upload:
        """A new upload, or the one that the changer's idempotency key stands for already.

        ParentUnknown, UploadTooLarge, IdempotencyConflict.
        """
        if length is not None and length > self.max_bytes:
            raise UploadTooLarge(self.max_bytes)
        request_hash = _hash(request)
        async with self._database.transaction() as connection:
            await check_parents(connection, changer.tenant, request)
            made = await dataset_uploads.create(connection, changer, request, length, request_hash)
            if made is not None:
                return made
            found, its_hash = await dataset_uploads.find_by_key(
                connection, changer.tenant, changer.idempotency_key or ""
            )
        if its_hash != request_hash:
            raise IdempotencyConflict("the idempotency key was used for another request")
        return found

    async def receive(
        self,
        changer: Changer,
        request: ImportRequest,
        length: int | None,
        body: AsyncIterator[bytes],
    ) -> Upload:
        """A whole file in one request: the upload, complete.

        Where the idempotency key stands for an upload already, the bytes that lie there are
        compared with those that come again, and only the rest is added. Raises what `create`,
        `append` and `complete` raise, and OtherContent.
        """
        upload = await self.create(changer, request, length)
        return await self._receive(changer, upload, body)

    async def _receive(
        self, changer: Changer, upload: Upload, body: AsyncIterator[bytes]
    ) -> Upload:
        if upload.received == 0 and upload.state is UploadState.OPEN:
            upload = await self._append(changer.tenant, upload.id, 0, body)
        elif upload.state in (UploadState.OPEN, UploadState.COMPLETE):
            upload = await self._repeat(upload, body)
        if upload.state is UploadState.COMPLETE:
            return upload
        return await self.complete(changer, upload.id)

    async def append(
        self, changer: Changer, upload_id: UUID, offset: int, body: AsyncIterator[bytes]
    ) -> Upload:
        """Add bytes at the upload's end, which `offset` must name: the upload with them.

        What has come by the time that `body` raises is kept. UploadUnknown, UploadNotOpen,
        OffsetMismatch, UploadTaken, UploadTooLarge, LengthMismatch, TooManyPieces.
        """
        return await self._append(changer.tenant, upload_id, offset, body)

    async def complete(self, changer: Changer, upload_id: UUID) -> Upload:
        """Have a job make a dataset of what came. UploadUnknown, UploadNotOpen, LengthMismatch.

        Completing again what is complete changes nothing.
        """
        async with self._database.transaction() as connection:
            try:
                upload = await dataset_uploads.lock_whole(connection, changer.tenant, upload_id)
            except UploadNotOpen:
                upload = await dataset_uploads.find(connection, changer.tenant, upload_id)
                if upload.state is UploadState.COMPLETE:
                    return upload
                raise
            walk = upload.request.feedback
            if walk is not None and not walk.is_over:
                raise UploadNotOpen("there is more feedback to be read")
            parameters = ImportParameters(upload.request, upload_id=upload.id)
            job = await queue_import(connection, changer, parameters)
            return await dataset_uploads.complete(connection, upload.id, job.id)

    async def abort(self, changer: Changer, upload_id: UUID) -> None:
        """Give an upload up; its bytes go. UploadUnknown, UploadNotOpen."""
        async with self._database.transaction() as connection:
            await dataset_uploads.abort(connection, changer.tenant, upload_id)

    async def find(self, tenant: str, upload_id: UUID) -> Upload:
        """An upload; UploadUnknown."""
        async with self._database.connection() as connection:
            return await dataset_uploads.find(connection, tenant, upload_id)

    async def page(
        self, tenant: str, *, limit: int, before: UUID | None, idempotency_key: str | None
    ) -> list[Upload]:
        """Up to `limit` uploads, newest first, older than `before`."""
        async with self._database.connection() as connection:
            return await dataset_uploads.page(
                connection, tenant, limit=limit, before=before, key=idempotency_key
            )

    async def import_url(self, changer: Changer, request: ImportRequest, url: str) -> UUID:
        """Have a job import an object; the job's id.

        UrlForbidden, ParentUnknown, IdempotencyConflict.
        """
        if not self._places.may_read(changer.tenant, url):
            raise UrlForbidden
        request = replace(request, origin=OriginKind.URL)
        return await self._import(changer, ImportParameters(request, url=url))

    async def import_feedback(
        self, changer: Changer, request: ImportRequest, since: datetime, limit: int
    ) -> Upload:
        """Ask the guard for feedback and have a job import it: the upload, complete.

        Where the idempotency key stands for an upload already, the guard is asked for the rest
        alone. NoFeedback, GuardUnavailable, UploadTaken, UploadNotOpen, IdempotencyConflict.
        """
        walk = FeedbackWalk(since, limit)
        request = replace(request, origin=OriginKind.FEEDBACK, feedback=walk)
        upload = await self.create(changer, request, None)
        if upload.state is UploadState.COMPLETE:
            return upload
        found = await self._read_feedback(changer.tenant, upload.id, walk)
        if found.rows == 0:
            # Given up, so that the same key asks anew: there may be rows by then.
            await self.abort(changer, upload.id)
            raise NoFeedback(found)
        return await self.complete(changer, upload.id)

    async def _read_feedback(
        self, tenant: str, upload_id: UUID, walk: FeedbackWalk
    ) -> FeedbackCounts:
        writer = uuid4()
        async with self._database.transaction() as connection:
            upload = await dataset_uploads.take_over(connection, tenant, upload_id, writer, None)
        pieces = Pieces(self._database, self._objects, upload, writer, self.max_bytes)
        walk = upload.request.feedback or walk
        async with aclosing(feedback_lines(self._guard, tenant, walk)) as pages:
            try:
                async for lines, walk in pages:
                    await pieces.add_page(lines, walk)
            except GuardUnavailable:
                # What it said before need not be asked again.
                await pieces.flush()
                raise
        await pieces.flush()
        return walk.found

    async def _import(self, changer: Changer, parameters: ImportParameters) -> UUID:
        async def work(connection: Connection) -> _Started:
            await check_parents(connection, changer.tenant, parameters.request)
            return _Started((await queue_import(connection, changer, parameters)).id)

        async with self._database.transaction() as connection:
            started = await once(connection, changer, "dataset.import", parameters, _Started, work)
        return started.job_id

    async def _repeat(self, upload: Upload, body: AsyncIterator[bytes]) -> Upload:
        async with self._database.connection() as connection:
            repetition = Repetition(await dataset_uploads.pieces(connection, upload.id))
        if upload.state is UploadState.COMPLETE and repetition.left == 0:
            # The pieces are gone since the dataset was made: of the body only its length is left.
            await _check_length(body, upload.received)
            return upload

        async def rest() -> AsyncIterator[bytes]:
            async for chunk in body:
                new = repetition.check(chunk)
                if new:
                    yield new

        if upload.state is UploadState.COMPLETE:
            async for _ in rest():
                raise OtherContent
        else:
            upload = await self._append(upload.tenant, upload.id, upload.received, rest())
        if repetition.left:
            raise OtherContent
        return upload

    async def _append(
        self, tenant: str, upload_id: UUID, offset: int, body: AsyncIterator[bytes]
    ) -> Upload:
        writer = uuid4()
        async with self._database.transaction() as connection:
            upload = await dataset_uploads.take_over(connection, tenant, upload_id, writer, offset)
            if upload.request.feedback is not None:
                raise UploadNotOpen("nobody adds to what the guard says")
        pieces = Pieces(self._database, self._objects, upload, writer, self.max_bytes)
        try:
            async for chunk in body:
                await pieces.add(chunk)
        except (
            DatabaseUnavailable, StoreUnavailable, UploadTaken, UploadTooLarge, LengthMismatch
        ):  # fmt: skip
            raise
        except Exception:
            # The caller is gone, or too slow: what it sent need not be sent again.
            await pieces.flush()
            raise
        await pieces.flush()
        return await self.find(tenant, upload_id)


async def _check_length(body: AsyncIterator[bytes], length: int) -> None:
    received = 0
    async for chunk in body:
        received += len(chunk)
        if received > length:
            raise OtherContent
    if received != length:
        raise OtherContent


def _hash(request: ImportRequest) -> bytes:
    return hashlib.sha256(msgspec.json.encode(request)).digest()
