"""Brings the spool's records to the database as soon as it is back.

``run_replay(sink, longest_wait_s)`` runs until cancelled.
"""

import asyncio
import random

import structlog

from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.spool.errors import SpoolUnwritable
from model_api.events.sink import Sink

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_FIRST_WAIT_S = 0.1
_random = random.SystemRandom()


async def run_replay(sink: Sink, longest_wait_s: float = 5.0) -> None:
    """Replay whenever the sink needs it, waiting longer after each failure, with jitter so that
    replicas do not come back all at once."""
    wait_s = _FIRST_WAIT_S
    while True:
        await sink.needs_replay.wait()
        try:
            await sink.replay()
        except DatabaseUnavailable:
            await asyncio.sleep(wait_s * _random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, longest_wait_s)
        except SpoolUnwritable as error:
            _log.error("spool cannot be read", reason=str(error))
            await asyncio.sleep(longest_wait_s)
        else:
            wait_s = _FIRST_WAIT_S
