"""The ops port of a process: `observed(host, port, health, monitor)`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from training.api import health as probes
from training.api import ops
from training.api.health import Health
from training.server import OPS_DRAIN_SECONDS, Server, listen
from training.utils.performance_monitor import PerformanceMonitor


@asynccontextmanager
async def observed(
    host: str, port: int, health: Health, monitor: PerformanceMonitor
) -> AsyncIterator[int]:
    """Serve metrics and probes for the length of the block, which is given the port.

    Raises PortUnavailable.
    """
    with listen(host, port) as listener:
        app = Litestar(
            route_handlers=[*probes.probes(health), *ops.routes(monitor)],
            openapi_config=None,
            logging_config=None,
        )
        server = Server(app, listener, OPS_DRAIN_SECONDS)
        serving = asyncio.create_task(server.run_until_stopped(), name="ops")
        try:
            yield server.address[1]
        finally:
            server.stop()
            await serving
