"""Reads objects of one bucket over S3, never more of them than asked for.

``ObjectStore(address)``: ``await get(key, limit) -> bytes`` raises ``ObjectMissing``,
``ObjectTooLarge`` or ``StoreUnavailable``.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

_CONNECT_TIMEOUT = timedelta(seconds=3)
_CHUNK_BYTES = 1 << 20
_RETRIES = 2


class ObjectMissing(Exception):
    """The bucket has no such object."""


class ObjectTooLarge(Exception):
    """The object has more bytes than were asked for."""


class StoreUnavailable(Exception):
    """The store does not give what it may have: try later."""


@dataclass(frozen=True, slots=True)
class ObjectStoreAddress:
    """A bucket, and who reads it."""

    url: str
    region: str
    bucket: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)


class ObjectStore:
    """Reads whole objects in chunks, so that one that lies about its size costs no memory."""

    def __init__(self, address: ObjectStoreAddress, *, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s
        keys = {"access_key_id": address.access_key, "secret_access_key": address.secret_key}
        self._store = S3Store(
            address.bucket,
            endpoint=address.url,
            region=address.region,
            **({"skip_signature": True} if address.access_key is None else keys),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": True,
                "connect_timeout": _CONNECT_TIMEOUT,
                "timeout": timedelta(seconds=timeout_s),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=timeout_s),
            },
        )

    async def get(self, key: str, limit: int) -> bytes:
        """The content of the object, which has at most ``limit`` bytes."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._read(key, limit)
        except FileNotFoundError:
            raise ObjectMissing(f"{key}: there is no such object") from None
        # The library's own messages carry addresses, and pages of XML.
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            raise StoreUnavailable(f"the object store failed ({type(error).__name__})") from error

    async def _read(self, key: str, limit: int) -> bytes:
        found = await obstore.get_async(self._store, key)
        if found.meta["size"] > limit:
            raise ObjectTooLarge(f"{key}: {found.meta['size']} bytes, at most {limit} are taken")
        content = bytearray()
        async for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
            content += chunk
            if len(content) > limit:
                raise ObjectTooLarge(f"{key}: more than the {limit} bytes that are taken")
        return bytes(content)
