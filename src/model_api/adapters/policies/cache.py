"""The policies in memory, to judge by whether or not the database is there.

``PolicyCache(database | None, state_dir, ...)`` is an async context manager:
``get(tenant, name) -> Policy | None``; ``refresh()``, after a change of one's own;
``age_s`` since the database was last known to agree.
"""

import asyncio
import time
from pathlib import Path
from typing import Self

import structlog

from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.notifications import Notifications
from model_api.adapters.policies.snapshot import PolicySnapshot, SnapshotUnreadable
from model_api.adapters.policies.store import CHANNEL, PolicyStore, StoredPolicy
from model_api.adapters.postgres import Database
from model_api.domain.judging.policy import Policy

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_RELOAD_S = 60.0
"""Changes become visible in the order of their commits, not of their numbers: now and then all is
read again, whether or not the last number says so."""


class PolicyCache:
    """Filled from the last snapshot at once, and from the database as soon as it answers; then
    at each notification and, because those may be lost, every ``poll_s``."""

    def __init__(self, database: Database | None, state_dir: Path, *, poll_s: float = 3.0) -> None:
        self._snapshot = PolicySnapshot(state_dir / "policies.json")
        self._store = None if database is None else PolicyStore(database)
        self._notifications = None if database is None else Notifications(database, CHANNEL)
        self._poll_s = poll_s
        self._policies: dict[tuple[str, str], Policy] = {}
        self._last_change = -1
        self._read_at = self._agreed_at = float("-inf")
        self._refreshing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            self._fill(await asyncio.to_thread(self._snapshot.load))
        except SnapshotUnreadable as error:
            _log.error("policy snapshot unreadable", reason=str(error))
        if self._store is not None:
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                _log.warning("judging by the last known policies", reason=str(error))
            self._task = asyncio.create_task(self._follow(), name="policies")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._notifications is not None:
            self._notifications.close()

    @property
    def age_s(self) -> float:
        """Seconds since the database was last seen to agree; infinite when never."""
        return time.monotonic() - self._agreed_at

    def get(self, tenant: str, name: str) -> Policy | None:
        """The tenant's own policy of this name."""
        return self._policies.get((tenant, name))

    async def refresh(self) -> None:
        """Be as new as the database is now. DatabaseUnavailable."""
        if self._store is None:
            return
        async with self._refreshing:
            last_change = await self._store.last_change()
            now = time.monotonic()
            if last_change != self._last_change or now - self._read_at > _RELOAD_S:
                policies = await self._store.all()
                self._fill(policies)
                self._last_change = last_change
                self._read_at = now
                try:
                    await asyncio.to_thread(self._snapshot.save, policies)
                except OSError as error:
                    _log.error("policy snapshot not saved", reason=error.strerror)
            self._agreed_at = now

    def _fill(self, policies: list[StoredPolicy]) -> None:
        self._policies = {(one.tenant, one.policy.name): one.policy for one in policies}

    async def _follow(self) -> None:
        if self._notifications is None:
            return
        while True:
            try:
                await self._notifications.connect()
                await self.refresh()
            except DatabaseUnavailable:
                await asyncio.sleep(self._poll_s)
            else:
                await self._notifications.wait(self._poll_s, self._stop)
