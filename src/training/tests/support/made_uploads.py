"""Uploads that are simply there, under an id of one's own choice."""

from uuid import UUID

import asyncpg

from training.adapters.datasets import uploads as dataset_uploads
from training.domain.datasets.files import FileFormat
from training.domain.datasets.version import ImportRequest
from training.domain.identity import Changer


async def make_upload(owner: asyncpg.Connection, tenant: str, upload_id: UUID, name: str) -> None:
    """An open upload without a byte, in the place of one that there was of this id."""
    request = ImportRequest(name, FileFormat.JSONL, "mail", "MIT")
    async with owner.transaction():
        await owner.execute("DELETE FROM uploads WHERE id = $1", upload_id)
        made = await dataset_uploads.create(owner, Changer(tenant, "a-key"), request, None, b"")
        assert made is not None
        await owner.execute("UPDATE uploads SET id = $1 WHERE id = $2", upload_id, made.id)
