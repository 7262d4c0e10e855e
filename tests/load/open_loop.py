"""Requests at a fixed rate, whatever the server does, and how long each took.

Latency counts from the moment at which a request was due, not from when it could be sent: a server
that stalls is charged for all the requests that had to wait meanwhile. (Counting from the sending
is the "coordinated omission" of G. Tene, "How NOT to Measure Latency".)
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from load.connection import Pool

MAX_CONNECTIONS = 256
_LEAD = 0.05
_LAST_ANSWER_WITHIN = 30.0


@dataclass(slots=True)
class Sample:
    """One round: latencies in seconds of what was answered with 200; `errors` are all others."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0


async def drive(
    host: str, port: int, requests: Sequence[bytes], rate: float, seconds: float
) -> Sample:
    """Sends `rate` requests a second, taken in turn from `requests`, and awaits every answer."""
    pool = Pool(host, port, MAX_CONNECTIONS)
    sample = Sample()
    under_way: set[asyncio.Task[None]] = set()

    async def ask(request: bytes, due: float) -> None:
        try:
            async with asyncio.timeout(_LAST_ANSWER_WITHIN):
                status = await pool.ask(request)
        except OSError:
            status = 0
        if status == 200:
            sample.latencies.append(time.perf_counter() - due)
        else:
            sample.errors += 1

    def launch(number: int, due: float) -> None:
        task = asyncio.create_task(ask(requests[number % len(requests)], due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    started = time.perf_counter() + _LEAD
    loop = asyncio.get_running_loop()

    def launch_from_thread(number: int, due: float) -> None:
        loop.call_soon_threadsafe(launch, number, due)

    await asyncio.to_thread(_tick, started, rate, round(rate * seconds), launch_from_thread)
    # The last launches are still in the loop's queue.
    await asyncio.sleep(0)
    await asyncio.gather(*under_way)
    sample.seconds = time.perf_counter() - started
    pool.close()
    return sample


def _tick(started: float, rate: float, total: int, launch: Callable[[int, float], None]) -> None:
    """Calls `launch` when each request is due. A thread sleeps to 0.1 ms; event loops to 1 ms."""
    for number in range(total):
        due = started + number / rate
        delay = due - time.perf_counter()
        if delay > 0:
            time.sleep(delay)
        launch(number, due)


def percentile(latencies: Sequence[float], share: float) -> float:
    """The smallest latency that at least `share` of all do not exceed (nearest rank)."""
    ordered = sorted(latencies)
    rank = -int(-len(ordered) * share // 1)
    return ordered[max(rank, 1) - 1]
