"""When the relay works: ``run_relay(database, streams, metrics, stop, options)``."""

import asyncio
import time

import structlog

from model_api.adapters import idempotency, outbox_table
from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.notifications import Notifications
from model_api.adapters.outbox_table import CHANNEL, WAKEUP_INTERVAL_S
from model_api.adapters.postgres import Database
from model_api.adapters.redis_streams import RedisStreams, StreamsUnavailable
from model_api.events.relay import Relay, RelayMetrics, RelayOptions

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_FIRST_WAIT_S = 0.1


async def run_relay(
    database: Database,
    streams: RedisStreams,
    metrics: RelayMetrics,
    stop: asyncio.Event,
    options: RelayOptions | None = None,
) -> None:
    """Publish whatever comes into the outbox until ``stop`` is set, through any absence of
    PostgreSQL or Redis. The caller opens and closes both."""
    options = options or RelayOptions()
    relay = Relay(database, streams, metrics, options)
    notifications = Notifications(database, CHANNEL)
    housekeeping_at = found_at = float("-inf")
    wait_s = _FIRST_WAIT_S
    try:
        while not stop.is_set():
            try:
                await notifications.connect()
                if time.monotonic() >= housekeeping_at:
                    await _keep_house(database, metrics)
                    housekeeping_at = time.monotonic() + options.housekeeping_s
                found = await relay.publish_once()
            except (DatabaseUnavailable, StreamsUnavailable) as error:
                cause = "redis" if isinstance(error, StreamsUnavailable) else "database"
                metrics.failed(cause)
                _log.warning("relay waits", dependency=cause, reason=str(error))
                await _sleep(wait_s, stop)
                wait_s = min(wait_s * 2, options.longest_wait_s)
                continue
            wait_s = _FIRST_WAIT_S
            now = time.monotonic()
            if found:
                found_at = now
                continue
            # Writers notify once in a while only, and what they add meanwhile is to be found.
            lingers = now - found_at < 2 * WAKEUP_INTERVAL_S
            await notifications.wait(WAKEUP_INTERVAL_S if lingers else options.sweep_s, stop)
    finally:
        notifications.close()


async def _keep_house(database: Database, metrics: RelayMetrics) -> None:
    async with database.connection() as connection:
        await idempotency.expire(connection)
        waiting, parked = await outbox_table.counts(connection)
    metrics.outbox(waiting, parked)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
