"""The life of a serving process: start, serve two ports, drain, stop."""

import logging

from training.api.health import Health, Phase
from training.app import running
from training.server import Server, listen, on_signals
from training.settings import Settings
from training.utils.performance_monitor import PerformanceMonitor
from training.wiring.observation import observed

log = logging.getLogger(__name__)


async def serve_until_stopped(settings: Settings, version: str) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, and return.

    The ops port answers from before anything is opened until everything is closed. Raises one of
    startup.REFUSALS where the service must not start.
    """
    health, monitor = Health(version), PerformanceMonitor(version)
    with listen(settings.host, settings.port) as listener:
        async with (
            observed(settings.host, settings.ops_port, health, monitor) as ops_port,
            running(settings, health, monitor) as api,
        ):
            await _serve(Server(api, listener, settings.drain_seconds), ops_port, health)
    log.info("stopped")


async def _serve(api: Server, ops_port: int, health: Health) -> None:
    def stop() -> None:
        log.info("draining")
        health.phase = Phase.DRAINING
        api.stop()

    with on_signals(stop, api.abort):
        health.phase = Phase.READY
        host, port = api.address
        log.info(
            "serving",
            extra={"host": host, "port": port, "ops_port": ops_port, "version": health.version},
        )
        await api.run_until_stopped()
