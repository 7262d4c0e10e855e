"""The life of a relay process: the outbox to Redis Streams, with a port to watch it by."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from model_api.adapters.key_files import read_secret
from model_api.adapters.postgres import Database
from model_api.adapters.redis_streams import RedisStreams
from model_api.api.health import Health, Phase
from model_api.app import create_ops
from model_api.events.relay_loop import run_relay
from model_api.server import OPS_DRAIN_SECONDS, Server, listen, on_signals
from model_api.settings import Settings
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.recording_metrics import RelayCounters

log = logging.getLogger(__name__)


async def relay_until_stopped(
    settings: Settings, database_url: str, redis_url: str, version: str
) -> None:
    """Publish until SIGTERM or SIGINT; KeyFileInvalid, PortUnavailable.

    PostgreSQL and Redis may come and go: the relay waits for them.
    """
    stopping = asyncio.Event()
    health, monitor = Health(version), PerformanceMonitor(version)
    database = Database(database_url, read_secret(settings.database_password_file))
    streams = RedisStreams(redis_url, read_secret(settings.redis_password_file))
    counters = RelayCounters(monitor.registry)
    async with _watched(settings, health, monitor), database, streams:
        with on_signals(stop=stopping.set, abort=stopping.set, reload=_nothing_to_reload):
            health.phase = Phase.READY
            log.info("relaying events", extra={"version": version})
            await run_relay(database, streams, counters, stopping)
            health.phase = Phase.DRAINING
    log.info("stopped")


@asynccontextmanager
async def _watched(
    settings: Settings, health: Health, monitor: PerformanceMonitor
) -> AsyncIterator[None]:
    """The ops port, where one is set: beside a server on the same machine there need be none."""
    if settings.relay_ops_port is None:
        yield
        return
    with listen(settings.host, settings.relay_ops_port) as listener:
        ops = Server(create_ops(health, monitor), listener, OPS_DRAIN_SECONDS)
        serving = asyncio.create_task(ops.run_until_stopped(), name="ops")
        try:
            yield
        finally:
            ops.stop()
            await serving


def _nothing_to_reload() -> None:
    log.info("the relay has no model to reload")
