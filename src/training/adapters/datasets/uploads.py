"""Uploads in the database; all functions work in the caller's transaction.

``create``, ``find``, ``find_by_key``, ``page``, ``take_over``, ``add_piece``, ``keep_walk``,
``complete``, ``abort``, ``pieces``, ``expire``, ``forget``.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from training.adapters.datasets import doomed_objects
from training.adapters.datasets.objects import upload_prefix
from training.adapters.postgres import Connection
from training.domain.datasets.limits import MAX_PIECES
from training.domain.datasets.upload import (
    LengthMismatch,
    OffsetMismatch,
    TooManyPieces,
    Upload,
    UploadNotOpen,
    UploadState,
    UploadTaken,
    UploadUnknown,
)
from training.domain.datasets.version import ImportRequest, Part
from training.domain.identity import Changer

ABANDONED_AFTER = timedelta(hours=24)
"""An upload to which nothing was added for so long is over."""

KEPT_FOR = timedelta(days=7)
"""How long it can be asked what became of an upload."""

_LAST_ID = UUID(int=2**128 - 1)


async def create(
    connection: Connection,
    changer: Changer,
    request: ImportRequest,
    length: int | None,
    request_hash: bytes,
) -> Upload | None:
    """A new upload; None where the tenant has one under the changer's idempotency key."""
    row = await connection.fetchrow(
        "INSERT INTO uploads (id, tenant, request, length, state, idempotency_key, request_hash,"
        " created_by) VALUES ($1, $2, $3, $4, 'open', $5, $6, $7)"
        " ON CONFLICT (tenant, idempotency_key) DO NOTHING RETURNING *",
        uuid7(),
        changer.tenant,
        msgspec.json.encode(request).decode(),
        length,
        changer.idempotency_key,
        request_hash,
        changer.actor,
    )
    return None if row is None else _upload(row)


async def find(connection: Connection, tenant: str, upload_id: UUID) -> Upload:
    """The tenant's upload; UploadUnknown."""
    row = await connection.fetchrow(
        "SELECT * FROM uploads WHERE tenant = $1 AND id = $2", tenant, upload_id
    )
    return _found(row)


async def find_by_key(connection: Connection, tenant: str, key: str) -> tuple[Upload, bytes]:
    """The tenant's upload under an idempotency key, and its request's hash; UploadUnknown."""
    row = await connection.fetchrow(
        "SELECT * FROM uploads WHERE tenant = $1 AND idempotency_key = $2",
        tenant,
        key,
    )
    return _found(row), row["request_hash"] if row is not None else b""


async def page(
    connection: Connection, tenant: str, *, limit: int, before: UUID | None, key: str | None
) -> list[Upload]:
    """Up to `limit` uploads, newest first, older than `before`."""
    rows = await connection.fetch(
        "SELECT * FROM uploads WHERE tenant = $1 AND id < $2"
        " AND ($3::text IS NULL OR idempotency_key = $3) ORDER BY id DESC LIMIT $4",
        tenant,
        before or _LAST_ID,
        key,
        limit,
    )
    return [_upload(row) for row in rows]


async def take_over(
    connection: Connection, tenant: str, upload_id: UUID, writer: UUID, offset: int | None
) -> Upload:
    """Make `writer` the one that adds pieces from now on, at `offset` unless that is None.

    UploadUnknown, UploadNotOpen, OffsetMismatch.
    """
    upload = await _locked(connection, tenant, upload_id)
    if offset is not None and offset != upload.received:
        raise OffsetMismatch(upload.received)
    await connection.execute(
        "UPDATE uploads SET writer = $2, updated_at = now() WHERE id = $1", upload_id, writer
    )
    return upload


async def add_piece(
    connection: Connection, upload_id: UUID, writer: UUID, start: int, piece: Part
) -> None:
    """Add a piece that lies in the store. UploadTaken, TooManyPieces."""
    row = await connection.fetchrow(
        "UPDATE uploads SET received = received + $4, pieces = pieces + 1, updated_at = now()"
        " WHERE id = $1 AND writer = $2 AND received = $3 AND state = 'open' RETURNING pieces",
        upload_id,
        writer,
        start,
        piece.bytes,
    )
    if row is None:
        raise UploadTaken(str(upload_id))
    if row["pieces"] > MAX_PIECES:
        raise TooManyPieces(str(upload_id))
    await connection.execute(
        "INSERT INTO upload_pieces (upload_id, number, key, sha256, bytes)"
        " VALUES ($1, $2, $3, $4, $5)",
        upload_id,
        row["pieces"] - 1,
        piece.key,
        piece.sha256,
        piece.bytes,
    )


async def keep_walk(
    connection: Connection, upload_id: UUID, writer: UUID, request: ImportRequest
) -> None:
    """Note how far the feedback has been read of which the pieces are. UploadTaken."""
    done = await connection.execute(
        "UPDATE uploads SET request = $3, updated_at = now()"
        " WHERE id = $1 AND writer = $2 AND state = 'open'",
        upload_id,
        writer,
        msgspec.json.encode(request).decode(),
    )
    if done != "UPDATE 1":
        raise UploadTaken(str(upload_id))


async def lock_whole(connection: Connection, tenant: str, upload_id: UUID) -> Upload:
    """An open upload, locked, of which all that was announced has come.

    UploadUnknown, UploadNotOpen, LengthMismatch.
    """
    upload = await _locked(connection, tenant, upload_id)
    if upload.length is not None and upload.length != upload.received:
        raise LengthMismatch(f"{upload.received} of {upload.length} bytes")
    return upload


async def complete(connection: Connection, upload_id: UUID, job_id: UUID) -> Upload:
    """No more can be added; the job makes a dataset of it."""
    row = await connection.fetchrow(
        "UPDATE uploads SET state = 'complete', writer = NULL, job_id = $2, updated_at = now()"
        " WHERE id = $1 RETURNING *",
        upload_id,
        job_id,
    )
    return _found(row)


async def abort(connection: Connection, tenant: str, upload_id: UUID) -> Upload:
    """Give an upload up; its pieces go. UploadUnknown, UploadNotOpen."""
    upload = await _locked(connection, tenant, upload_id)
    await _end(connection, [upload], UploadState.ABORTED)
    return upload


async def pieces(connection: Connection, upload_id: UUID) -> list[Part]:
    """The pieces in their order."""
    rows = await connection.fetch(
        "SELECT key, sha256, bytes FROM upload_pieces WHERE upload_id = $1 ORDER BY number",
        upload_id,
    )
    return [Part(row["key"], row["sha256"], row["bytes"], 0) for row in rows]


async def discard_pieces(connection: Connection, tenant: str, upload_id: UUID) -> None:
    """The pieces of an upload that a dataset was made of are not needed any more."""
    await connection.execute("DELETE FROM upload_pieces WHERE upload_id = $1", upload_id)
    await doomed_objects.add(connection, [upload_prefix(tenant, upload_id)])


async def expire(connection: Connection, limit: int = 100) -> int:
    """End uploads that nobody goes on with, and those whose job has ended long ago without making
    a dataset; how many there were."""
    rows = await connection.fetch(
        "SELECT * FROM uploads WHERE state IN ('open', 'complete')"
        " AND updated_at < now() - $1::interval"
        " AND NOT EXISTS (SELECT FROM jobs WHERE jobs.id = uploads.job_id"
        " AND (jobs.state IN ('queued', 'running') OR jobs.finished_at > now() - $1::interval))"
        " ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        ABANDONED_AFTER,
        limit,
    )
    uploads = [_upload(row) for row in rows]
    await _end(connection, [each for each in uploads if each.state is UploadState.OPEN])
    for upload in uploads:
        if upload.state is UploadState.COMPLETE:
            await discard_pieces(connection, upload.tenant, upload.id)
    await connection.execute(
        "DELETE FROM uploads WHERE id = ANY($1::uuid[]) AND state = 'complete'"
        " OR state IN ('aborted', 'expired') AND updated_at < now() - $2::interval",
        [upload.id for upload in uploads],
        KEPT_FOR,
    )
    return len(uploads)


async def _end(
    connection: Connection, uploads: Sequence[Upload], state: UploadState = UploadState.EXPIRED
) -> None:
    if not uploads:
        return
    ids = [upload.id for upload in uploads]
    await connection.execute(
        "UPDATE uploads SET state = $2, writer = NULL, idempotency_key = NULL, updated_at = now()"
        " WHERE id = ANY($1::uuid[])",
        ids,
        state,
    )
    await connection.execute("DELETE FROM upload_pieces WHERE upload_id = ANY($1::uuid[])", ids)
    await doomed_objects.add(
        connection, [upload_prefix(upload.tenant, upload.id) for upload in uploads]
    )


async def _locked(connection: Connection, tenant: str, upload_id: UUID) -> Upload:
    row = await connection.fetchrow(
        "SELECT * FROM uploads WHERE tenant = $1 AND id = $2 FOR UPDATE",
        tenant,
        upload_id,
    )
    upload = _found(row)
    if upload.state is not UploadState.OPEN:
        raise UploadNotOpen(upload.state)
    return upload


def _found(row: asyncpg.Record | None) -> Upload:
    if row is None:
        raise UploadUnknown
    return _upload(row)


def _upload(row: asyncpg.Record) -> Upload:
    return Upload(
        row["id"],
        row["tenant"],
        msgspec.json.decode(row["request"], type=ImportRequest),
        row["length"],
        row["received"],
        row["pieces"],
        UploadState(row["state"]),
        row["idempotency_key"],
        row["job_id"],
        row["created_by"],
        row["created_at"],
        row["updated_at"],
    )
