"""The pieces of an upload: objects in the store, of which the database says which count."""

import hashlib
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from training.adapters.datasets import uploads as dataset_uploads
from training.adapters.datasets.objects import upload_prefix
from training.adapters.postgres import Connection, Database
from training.domain.datasets.feedback import FeedbackWalk
from training.domain.datasets.limits import PIECE_BYTES
from training.domain.datasets.upload import LengthMismatch, Upload, UploadTooLarge
from training.domain.datasets.version import Part


class Objects(Protocol):
    """The bucket of data."""

    async def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        ...


class Pieces:
    """Collects bytes into objects, and tells the database of each.

    What it stores may raise StoreUnavailable, DatabaseUnavailable, UploadTaken, TooManyPieces.
    """

    def __init__(
        self,
        database: Database,
        objects: Objects,
        upload: Upload,
        writer: UUID,
        max_bytes: int,
    ) -> None:
        self._database = database
        self._objects = objects
        self._upload = upload
        self._writer = writer
        self._max_bytes = max_bytes
        self._stored = upload.received
        self._waiting = bytearray()
        self._walk: FeedbackWalk | None = None

    async def add(self, chunk: bytes) -> None:
        """Add bytes of a file. UploadTooLarge, LengthMismatch."""
        total = self._stored + len(self._waiting) + len(chunk)
        if total > self._max_bytes:
            raise UploadTooLarge(self._max_bytes)
        if self._upload.length is not None and total > self._upload.length:
            raise LengthMismatch(f"more than {self._upload.length} bytes")
        self._waiting += chunk
        while len(self._waiting) >= PIECE_BYTES:
            content = bytes(memoryview(self._waiting)[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            await self._store(content)

    async def add_page(self, lines: bytes, walk: FeedbackWalk) -> None:
        """Add rows of feedback; `walk` is told to the database together with them."""
        if len(self._waiting) + len(lines) > PIECE_BYTES:
            await self.flush()
        if self._stored + len(self._waiting) + len(lines) > self._max_bytes:
            raise UploadTooLarge(self._max_bytes)
        self._waiting += lines
        self._walk = walk

    async def flush(self) -> None:
        """Store what waits for more."""
        if self._waiting:
            content, self._waiting = bytes(self._waiting), bytearray()
            await self._store(content)
        elif self._walk is not None:
            async with self._database.transaction() as connection:
                await self._keep_walk(connection)

    async def _store(self, content: bytes) -> None:
        # A name of its own: what an older request may still be writing must not end up in it.
        prefix = upload_prefix(self._upload.tenant, self._upload.id)
        key = f"{prefix}{self._stored:012}-{self._writer}"
        await self._objects.put(key, content)
        piece = Part(key, hashlib.sha256(content).hexdigest(), len(content), 0)
        async with self._database.transaction() as connection:
            await dataset_uploads.add_piece(
                connection, self._upload.id, self._writer, self._stored, piece
            )
            await self._keep_walk(connection)
        self._stored += len(content)

    async def _keep_walk(self, connection: Connection) -> None:
        if self._walk is not None:
            request = replace(self._upload.request, feedback=self._walk)
            await dataset_uploads.keep_walk(connection, self._upload.id, self._writer, request)
