"""The life of a serving process: start, serve two ports, drain, stop."""

import asyncio
import logging

from model_api.api.deployments.models import reload_and_tell
from model_api.api.health import Health, Phase
from model_api.app import Service, create_ops, running
from model_api.domain.bundle import BundleRefused
from model_api.domain.deployments.deployment import DeploymentRules
from model_api.events.changes import Caller
from model_api.server import OPS_DRAIN_SECONDS, Server, listen, on_signals
from model_api.settings import Settings
from model_api.utils.performance_monitor import PerformanceMonitor

log = logging.getLogger(__name__)


async def serve_until_stopped(settings: Settings, version: str) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, flush, and return.

    The ops port answers from before the model is loaded until everything is flushed. Raises one
    of startup.REFUSALS where the service must not start.
    """
    health, monitor = Health(version), PerformanceMonitor(version)
    with (
        listen(settings.host, settings.port) as listener,
        listen(settings.host, settings.ops_port) as ops_listener,
    ):
        ops = Server(create_ops(health, monitor), ops_listener, OPS_DRAIN_SECONDS)
        ops_serving = asyncio.create_task(ops.run_until_stopped(), name="ops")
        life = _Life(health)
        try:
            with on_signals(life.stop, life.abort, life.reload):
                async with running(settings, health, monitor) as service:
                    api = Server(service.api, listener, settings.drain_seconds)
                    await life.serve(api, service, ops.address[1])
        except asyncio.CancelledError:
            if not life.is_given_up:
                raise
        finally:
            ops.stop()
            await ops_serving
    log.info("stopped")


class _Life:
    """What a signal means at each stage of the process's life."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._starting = asyncio.current_task()
        self._api: Server | None = None
        self._service: Service | None = None
        self._reloads: set[asyncio.Task[None]] = set()
        self.is_given_up = False

    async def serve(self, api: Server, service: Service, ops_port: int) -> None:
        """Serve until stopped."""
        self._api, self._service = api, service
        self._health.phase = Phase.READY
        host, port = api.address
        log.info(
            "judging prompts",
            extra={
                "host": host,
                "port": port,
                "ops_port": ops_port,
                "version": self._health.version,
            },
        )
        await api.run_until_stopped()
        await asyncio.gather(*self._reloads)

    def stop(self) -> None:
        """Finish what is in flight; before there is anything, give up the start."""
        self._health.phase = Phase.DRAINING
        if self._api is not None:
            log.info("draining")
            self._api.stop()
        elif self._starting is not None:
            log.info("stopped while starting")
            self.is_given_up = True
            self._starting.cancel()

    def abort(self) -> None:
        """Finish nothing."""
        if self._api is not None:
            self._api.abort()

    def reload(self) -> None:
        """Load the packaged bundle again."""
        if self._service is not None:
            task = asyncio.create_task(_reload(self._service))
            self._reloads.add(task)
            task.add_done_callback(self._reloads.discard)


async def _reload(service: Service) -> None:
    caller = Caller(tenant=service.platform_tenant, actor="signal:SIGHUP")
    try:
        await reload_and_tell(service.models, service.changes, caller)
    except (BundleRefused, DeploymentRules):
        # Told in the log already; the present model goes on judging.
        return
