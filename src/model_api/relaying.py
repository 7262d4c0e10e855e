"""The life of a relay process: the outbox to Redis Streams, and its own ops port."""

import asyncio

from model_api.adapters.key_files import read_secret
from model_api.adapters.postgres import Database
from model_api.adapters.redis_streams import RedisStreams
from model_api.events.relay_loop import run_relay
from model_api.server import on_signals
from model_api.settings import Settings
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.recording_metrics import RelayCounters


async def relay_until_stopped(
    settings: Settings, database_url: str, redis_url: str, version: str
) -> None:
    """Publish until SIGTERM or SIGINT; KeyFileInvalid."""
    stopping = asyncio.Event()
    counters = RelayCounters(PerformanceMonitor(version).registry)
    database = Database(database_url, read_secret(settings.database_password_file))
    streams = RedisStreams(redis_url, read_secret(settings.redis_password_file))
    async with database, streams:
        with on_signals(stopping.set, stopping.set, lambda: None):
            await run_relay(database, streams, counters, stopping)
