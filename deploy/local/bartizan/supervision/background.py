"""What runs in the supervisor's process."""

import asyncio
import logging
import os
import signal
import sys

from bartizan.settings import Settings
from bartizan.supervision import control
from bartizan.supervision.locks import held
from bartizan.supervision.process import lock
from bartizan.supervision.supervisor import Supervisor
from bartizan.topology import topology

log = logging.getLogger("bartizan")


def run(settings: Settings) -> None:
    """Supervises until SIGTERM, SIGINT or a request ends it."""
    with held(lock(settings.home)):
        asyncio.run(_supervise(settings))


async def _supervise(settings: Settings) -> None:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    units = await asyncio.to_thread(topology, settings)
    supervisor = Supervisor(units, settings.home)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.ask_to_stop)
    server = await control.serve(
        settings.home, supervisor, build=settings.build(), port_offset=settings.ports.offset
    )
    log.info("supervisor started, pid %d", os.getpid())
    await supervisor.run()
    server.close()
    log.info("supervisor ended")
