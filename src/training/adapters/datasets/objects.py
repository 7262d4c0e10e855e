"""The objects of datasets in the store: written with their digests, and checked against them."""

import hashlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote
from uuid import UUID

from training.domain.datasets.version import Part
from training.domain.jobs.kinds import Objects


class ObjectAltered(Exception):
    """The store gave back other bytes than were put into it."""


def version_prefix(tenant: str, job_id: UUID, attempt: int) -> str:
    """Where an attempt of an import leaves the objects of a version."""
    return f"datasets/{quote(tenant, safe='')}/{job_id}/{attempt}/"


def upload_prefix(tenant: str, upload_id: UUID) -> str:
    """Where the pieces of an upload lie."""
    return f"uploads/{quote(tenant, safe='')}/{upload_id}/"


class ObjectWriter:
    """Puts objects under one prefix."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def put(self, name: str, content: bytes, rows: int) -> Part:
        """Store an object, in the place of one that an earlier attempt may have left."""
        key = self._prefix + name
        self._objects.put(key, content)
        return Part(key, hashlib.sha256(content).hexdigest(), len(content), rows)


def verified(part: Part, content: bytes) -> bytes:
    """The content of a part; ObjectAltered where it is not what was put."""
    if len(content) != part.bytes or hashlib.sha256(content).hexdigest() != part.sha256:
        raise ObjectAltered(part.key)
    return content


def read_parts(objects: Objects, parts: Iterable[Part]) -> Iterator[bytes]:
    """The contents, one at a time. Raises ObjectAltered and what the store raises."""
    for part in parts:
        yield verified(part, objects.get(part.key))
