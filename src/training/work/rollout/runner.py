"""Keeps the rollouts going: takes up what is due, one at a time, under a lease.

``RolloutRunner(database, saga).run(stop)``.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from training.adapters.failures import DatabaseUnavailable
from training.adapters.lifecycle.event_store import StreamConflict
from training.adapters.notifications import Notifications
from training.adapters.postgres import Database
from training.adapters.rollout import store as rollout_store
from training.adapters.rollout.guard_client import GuardAway, GuardRefused
from training.adapters.rollout.store import Lease, RolloutMoved, Stored
from training.domain.lifecycle.refusals import Refused
from training.domain.tracking.facts import TrackingAway, TrackingRefused
from training.work.rollout.saga import Saga

log = logging.getLogger(__name__)

AWAY = (GuardAway, GuardRefused, TrackingAway, TrackingRefused)


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """Seconds. A lease outlives a killed runner by at most `lease_s`."""

    lease_s: float = 3.0
    sweep_s: float = 0.5
    retry_s: float = 1.0


class Counters(Protocol):
    """Told of what the runner does."""

    def moved(self, state: str) -> None:
        """A rollout came into a state."""
        ...

    def waits(self, waiting: bool) -> None:
        """Whether the last step tried had to wait for somebody who was away."""
        ...


class RolloutRunner:
    """Several may run, in several processes: a rollout is held by one at a time."""

    def __init__(
        self,
        database: Database,
        saga: Saga,
        counters: Counters,
        options: RunnerOptions | None = None,
    ) -> None:
        self._database = database
        self._saga = saga
        self._counters = counters
        self._options = options or RunnerOptions()

    async def run(self, stop: asyncio.Event) -> None:
        """Advance rollouts until `stop` is set; whatever is away is waited for."""
        notifications = Notifications(self._database, rollout_store.CHANNEL)
        soonest = math.inf
        try:
            while not stop.is_set():
                try:
                    await notifications.connect()
                    again_in_s = await self.advance_one()
                    if again_in_s is not None:
                        soonest = min(soonest, time.monotonic() + again_in_s)
                        continue
                    wait_s = min(max(soonest - time.monotonic(), 0.0), self._options.sweep_s)
                except DatabaseUnavailable:
                    wait_s = self._options.retry_s
                soonest = math.inf
                await notifications.wait(wait_s, stop)
        finally:
            notifications.close()

    async def advance_one(self) -> float | None:
        """Take one rollout a step further; in how many seconds it is due again, None where none
        was due. DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            lease = await rollout_store.claim(connection, self._options.lease_s)
        if lease is None:
            return None
        stored, again_in_s = lease.stored, self._options.retry_s
        try:
            async with self._kept(lease):
                stored, again_in_s = await self._advance(lease)
        finally:
            async with self._database.connection() as connection:
                await rollout_store.release(connection, stored, lease.fence, again_in_s)
        return again_in_s

    async def _advance(self, lease: Lease) -> tuple[Stored, float]:
        rollout = lease.stored.rollout
        where = {"rollout_id": str(rollout.id), "state": rollout.state.value}
        try:
            stored, again_in_s = await self._saga.advance(lease)
            self._counters.waits(False)
            if stored.rollout.state is not rollout.state:
                self._counters.moved(stored.rollout.state.value)
            return stored, again_in_s
        except (RolloutMoved, StreamConflict):
            # Somebody else was quicker: look again at what it is now.
            return lease.stored, 0
        except AWAY as error:
            self._counters.waits(True)
            log.info("rollout waits", extra={**where, "reason": str(error)})
            with contextlib.suppress(RolloutMoved):
                return await self._saga.note(lease, str(error)), self._options.retry_s
        except Refused as error:
            # The rules of the model and those of the rollout must never disagree.
            log.exception("rollout is stuck", extra=where)
            with contextlib.suppress(RolloutMoved):
                return await self._saga.note(lease, f"it is stuck: {error}"), self._options.retry_s
        return lease.stored, self._options.retry_s

    @contextlib.asynccontextmanager
    async def _kept(self, lease: Lease) -> AsyncIterator[None]:
        """Renew the lease while the block runs."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._options.lease_s / 3)
                with contextlib.suppress(DatabaseUnavailable):
                    async with self._database.connection() as connection:
                        await rollout_store.renew(connection, lease, self._options.lease_s)

        renewing = asyncio.create_task(renew(), name="rollout lease")
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
