"""The life of a worker process: jobs from the queue, with a port to watch it by."""

import asyncio
import logging
import os

from training.api.health import Health, Phase
from training.server import on_signals
from training.settings import Settings
from training.utils.performance_monitor import PerformanceMonitor
from training.wiring.observation import observed
from training.worker_app import employed

log = logging.getLogger(__name__)


async def work_until_stopped(settings: Settings, version: str) -> None:
    """Work until SIGTERM or SIGINT; then hand back the jobs that run, and return.

    A second signal ends the process at once: what it held is taken over when its leases end.
    Raises one of startup.REFUSALS where the worker must not start.
    """
    health, monitor = Health(version), PerformanceMonitor(version)
    async with (
        observed(settings.host, settings.worker_ops_port, health, monitor) as ops_port,
        employed(settings, health, monitor) as worker,
    ):
        working = asyncio.create_task(worker.run(), name="worker")

        def stop() -> None:
            log.info("draining")
            health.phase = Phase.DRAINING
            worker.stop()

        with on_signals(stop, abort=lambda: os._exit(1)):
            health.phase = Phase.READY
            log.info("working", extra={"ops_port": ops_port, "version": version})
            await working
    log.info("stopped")
