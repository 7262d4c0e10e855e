"""Objects of one bucket over S3: put, get, deleted and listed whole.

``ObjectStore(address)`` is asynchronous, ``BlockingObjectStore(address)`` the same for a job's own
process. Both raise ``ObjectMissing`` and ``StoreUnavailable``.

A put that is interrupted may leave a torn object behind, and there is no way to put only where
nothing is: the database says which objects count, with their digests, and whoever reads compares.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

MAX_OBJECT_BYTES = 16 << 20
"""No object is larger, so that one is put in one part and held in memory."""

_CONNECT_TIMEOUT = timedelta(seconds=3)
_RETRIES = 2
UNAVAILABLE = "The object store cannot be reached, or takes nothing because it is full."
"""For whoever waits: which of the two it is, the store's own log says."""


class ObjectMissing(Exception):
    """The bucket has no such object."""


class StoreUnavailable(Exception):
    """The store does not do what it may do later."""


@dataclass(frozen=True, slots=True)
class ObjectStoreAddress:
    """A bucket, and who uses it; without keys, requests are not signed."""

    bucket: str
    url: str
    region: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)


class ObjectStore:
    """A bucket. ``timeout_s`` bounds each call as a whole, its repetitions included."""

    def __init__(self, address: ObjectStoreAddress, *, timeout_s: float = 30.0) -> None:
        self._store = _open(address, timeout_s)
        self._timeout_s = timeout_s

    async def put(self, key: str, content: bytes) -> None:
        """Put an object, in the place of one that is there; ValueError where it is too large."""
        _check_size(key, content)
        with _failures(key):
            async with asyncio.timeout(self._timeout_s):
                await obstore.put_async(self._store, key, content, use_multipart=False)

    async def get(self, key: str) -> bytes:
        """The content of an object; ObjectMissing."""
        with _failures(key):
            async with asyncio.timeout(self._timeout_s):
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())

    async def delete(self, key: str) -> None:
        """Delete an object, if it is there."""
        with suppress(ObjectMissing), _failures(key):
            async with asyncio.timeout(self._timeout_s):
                await obstore.delete_async(self._store, key)

    async def list(self, prefix: str) -> list[str]:
        """The keys below ``prefix``, a path of whole steps such as ``uploads/1/``, in order."""
        with _failures(prefix):
            async with asyncio.timeout(self._timeout_s):
                pages = obstore.list(self._store, prefix)
                return sorted([each["path"] async for page in pages for each in page])


class BlockingObjectStore:
    """The same, for a process without an event loop."""

    def __init__(self, address: ObjectStoreAddress, *, timeout_s: float = 30.0) -> None:
        self._store = _open(address, timeout_s)

    def put(self, key: str, content: bytes) -> None:
        """Put an object, in the place of one that is there; ValueError where it is too large."""
        _check_size(key, content)
        with _failures(key):
            obstore.put(self._store, key, content, use_multipart=False)

    def get(self, key: str) -> bytes:
        """The content of an object; ObjectMissing."""
        with _failures(key):
            return bytes(obstore.get(self._store, key).bytes())

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The content of an object of any size, in chunks; ObjectMissing."""
        with _failures(key):
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=chunk_bytes):
                yield bytes(chunk)

    def delete(self, key: str) -> None:
        """Delete an object, if it is there."""
        with suppress(ObjectMissing), _failures(key):
            obstore.delete(self._store, key)

    def list(self, prefix: str) -> list[str]:
        """The keys below ``prefix``, a path of whole steps such as ``uploads/1/``, in order."""
        with _failures(prefix):
            pages = obstore.list(self._store, prefix)
            return sorted(each["path"] for page in pages for each in page)


def _open(address: ObjectStoreAddress, timeout_s: float) -> S3Store:
    timeout = timedelta(seconds=timeout_s)
    return S3Store(
        address.bucket,
        endpoint=address.url,
        region=address.region,
        access_key_id=address.access_key or "",
        secret_access_key=address.secret_key or "",
        skip_signature=address.access_key is None,
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": True,
            "connect_timeout": _CONNECT_TIMEOUT,
            "timeout": timeout,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": timeout},
    )


def _check_size(key: str, content: bytes) -> None:
    if len(content) > MAX_OBJECT_BYTES:
        raise ValueError(f"{key}: {len(content)} bytes, an object may have {MAX_OBJECT_BYTES}")


@contextmanager
def _failures(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissing(f"{key}: there is no such object") from None
    # The library's own messages carry addresses, and pages of XML.
    except (BaseError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"the object store failed ({type(error).__name__})") from error
