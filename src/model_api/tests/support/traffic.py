"""A process that records predictions, and prints the id of each once it is answered.

Usage: traffic URL PASSWORD STATE_DIRECTORY. It is made to be killed.
"""

import asyncio
import sys
from pathlib import Path

import structlog

from model_api.adapters.postgres import Database
from model_api.adapters.spool.spool import Spool
from model_api.events.recorder import Recorder
from model_api.tests.support.counters import RecorderCounters
from model_api.tests.support.predictions import a_prediction

_PAUSE_S = 0.01
"""Leaves some of the machine to the database that is to recover meanwhile."""


async def client(recorder: Recorder) -> None:
    """One client after another answer."""
    while True:
        predictions = [a_prediction() for _ in range(3)]
        await recorder.record(predictions, durable=True)
        lines = "".join(f"{prediction.id}\n" for prediction in predictions)
        sys.stdout.write(lines)
        sys.stdout.flush()
        await asyncio.sleep(_PAUSE_S)


async def main(url: str, password: str, state: str) -> None:
    """Eight clients at once."""
    with Spool(Path(state), 100_000_000) as spool:
        async with (
            Database(url, password) as database,
            Recorder(database, spool, RecorderCounters()) as recorder,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(8):
                clients.create_task(client(recorder))


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(*sys.argv[1:]))
