"""Dataset versions that are simply there, as if an import had made them."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from training.adapters.datasets.parquet_files import encode_part
from training.adapters.object_store import ObjectStore, ObjectStoreAddress
from training.domain.datasets.canonical import ContentDigest
from training.domain.datasets.files import FileFormat
from training.domain.datasets.version import Lineage, Origin, OriginKind
from training.domain.examples import Example

MADE_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


async def put_dataset(
    rows: asyncpg.Connection,
    address: ObjectStoreAddress,
    tenant: str,
    name: str,
    examples: Sequence[Example],
    *,
    purpose: str = "training",
) -> str:
    """Version 1 of a dataset, by the database's owner; its digest."""
    texts = [each.text for each in examples]
    labels = [int(each.attack) for each in examples]
    sources = [each.source for each in examples]
    categories = [each.category for each in examples]
    content = encode_part(texts, labels, sources, categories, list(range(1, len(texts) + 1)))
    digest = ContentDigest()
    digest.add(texts, labels, sources, categories)
    version_id, prefix = uuid7(), f"datasets/{tenant}/{name}"
    await ObjectStore(address).put(f"{prefix}/part", content)
    lineage = Lineage(Origin(OriginKind.UPLOAD, "0" * 64, 1), FileFormat.JSONL, "", [], [])
    await rows.execute(
        "INSERT INTO dataset_versions (id, tenant, name, version, digest, rows, attacks,"
        " quarantined, licence, source, purpose, lineage, job_id, prefix, created_by, created_at)"
        " VALUES ($1, $2, $3, 1, $4, $5, $6, 0, 'MIT', 'made', $7, $8, $9, $10, 'key-1', $11)",
        version_id,
        tenant,
        name,
        str(digest),
        len(texts),
        sum(labels),
        purpose,
        msgspec.json.encode(lineage).decode(),
        uuid7(),
        prefix,
        MADE_AT,
    )
    await rows.execute(
        "INSERT INTO dataset_objects (version_id, kind, number, key, sha256, bytes, rows)"
        " VALUES ($1, 'part', 0, $2, $3, $4, $5)",
        version_id,
        f"{prefix}/part",
        hashlib.sha256(content).hexdigest(),
        len(content),
        len(texts),
    )
    return str(digest)
