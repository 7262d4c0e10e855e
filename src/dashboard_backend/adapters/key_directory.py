"""API keys close at hand: read from PostgreSQL, kept for seconds, dropped when they change.

A copy is fresh for `fresh_seconds`; a change on any replica drops it at once by NOTIFY. While the
database is away or slow, copies go on opening the door until `grace_seconds` after they were read.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from dashboard_backend.adapters.api_key_rows import to_key
from dashboard_backend.adapters.postgres import Database
from dashboard_backend.domain.api_keys import ApiKey
from dashboard_backend.domain.key_records import KeysUnavailableError

_FIND = "SELECT * FROM api_keys WHERE id = $1"
_WRITE_USES = """
UPDATE api_keys SET last_used_at = used.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS used (id, at)
WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)
"""
_RETRY_SECONDS = 1.0
_PATIENCE_SECONDS = 1.5
_PATIENCE_WITH_A_COPY_SECONDS = 0.2


class _Copy(NamedTuple):
    key: ApiKey | None
    read_at: float


class KeyDirectory:
    """The `KeyLookup` of the domain. For one event loop."""

    def __init__(
        self,
        database: Database,
        count: Callable[[str], None],
        *,
        fresh_seconds: float = 5.0,
        grace_seconds: float = 300.0,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`count` hears the outcome of each lookup that left the cache."""
        self._database = database
        self._count = count
        self._fresh = fresh_seconds
        self._grace = grace_seconds
        self._capacity = capacity
        self._clock = clock
        self._copies: OrderedDict[UUID, _Copy] = OrderedDict()
        self._reading: dict[UUID, asyncio.Task[ApiKey | None]] = {}
        self._doubted_at = float("-inf")
        self._away_until = float("-inf")
        self._seen_at = float("-inf")
        self._uses: dict[UUID, datetime] = {}

    def knows(self, key_id: UUID) -> bool:
        """See `KeyLookup.knows`."""
        copy = self._copies.get(key_id)
        return copy is not None and copy.key is not None

    async def find(self, key_id: UUID) -> ApiKey | None:
        """See `KeyLookup.find`."""
        copy = self._copies.get(key_id)
        now = self._clock()
        if (
            copy is not None
            and now < copy.read_at + self._fresh
            and copy.read_at > self._doubted_at
        ):
            return copy.key
        fallback = copy.key if copy is not None and now < copy.read_at + self._grace else None
        try:
            key = await self._read(
                key_id, now, _PATIENCE_WITH_A_COPY_SECONDS if fallback is not None else None
            )
        except KeysUnavailableError:
            if fallback is not None:
                self._count("stale")
                return fallback
            self._count("failed")
            raise
        self._count("unknown" if key is None else "found")
        return key

    def used(self, key_id: UUID) -> None:
        """See `KeyLookup.used`."""
        self._uses[key_id] = datetime.now(UTC)

    def forget(self, key_id: UUID) -> None:
        """The key has changed: the next request reads it anew."""
        self._copies.pop(key_id, None)
        # A read that began before the change must not be kept.
        self._reading.pop(key_id, None)

    def doubt(self) -> None:
        """Changes may have gone unheard: read every key anew, keeping the copies for a grace."""
        self._doubted_at = self._clock()

    def serviceable(self) -> bool:
        """Whether the database was seen within the grace, so that known callers are let in."""
        return self._clock() < self._seen_at + self._grace

    def seen(self) -> None:
        """The database answered just now."""
        self._seen_at = self._clock()
        self._away_until = float("-inf")

    async def write_uses(self) -> None:
        """Write down the uses since the last call; raises KeysUnavailableError."""
        uses, self._uses = self._uses, {}
        try:
            async with self._database.connection() as connection:
                await connection.execute(_WRITE_USES, list(uses), list(uses.values()))
        except KeysUnavailableError:
            self._uses = uses | self._uses
            raise
        self.seen()

    async def _read(self, key_id: UUID, now: float, patience: float | None) -> ApiKey | None:
        if now < self._away_until:
            raise KeysUnavailableError
        reading = self._reading.get(key_id)
        if reading is None:
            reading = asyncio.create_task(self._fetch(key_id))
            reading.add_done_callback(_hear)
            self._reading[key_id] = reading
        # A caller who goes away must not take the others' read along, so it is only waited for.
        done, _ = await asyncio.wait((reading,), timeout=patience)
        if not done:
            raise KeysUnavailableError
        return reading.result()

    async def _fetch(self, key_id: UUID) -> ApiKey | None:
        this = asyncio.current_task()
        read_at = self._clock()
        try:
            async with (
                asyncio.timeout(_PATIENCE_SECONDS),
                self._database.connection() as connection,
            ):
                row = await connection.fetchrow(_FIND, key_id)
            self.seen()
            key = None if row is None else to_key(row)
            if self._reading.get(key_id) is this:
                self._keep(key_id, _Copy(key, read_at))
            return key
        except (KeysUnavailableError, TimeoutError) as error:
            self._away_until = self._clock() + _RETRY_SECONDS
            raise KeysUnavailableError from error
        finally:
            if self._reading.get(key_id) is this:
                del self._reading[key_id]

    def _keep(self, key_id: UUID, copy: _Copy) -> None:
        self._copies[key_id] = copy
        self._copies.move_to_end(key_id)
        if len(self._copies) > self._capacity:
            self._copies.popitem(last=False)


def _hear(reading: asyncio.Task[ApiKey | None]) -> None:
    # All who asked may have gone by their copies: then nobody else takes note of its failure.
    if not reading.cancelled():
        reading.exception()
