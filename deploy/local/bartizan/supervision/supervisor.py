"""Brings the units up in the order of their needs, keeps them up, and takes them down again."""

import asyncio
import contextlib
from collections.abc import Sequence

from bartizan.errors import BartizanError
from bartizan.home import Home
from bartizan.supervision.log_files import rotate
from bartizan.supervision.runner import Runner
from bartizan.supervision.service_runner import ServiceRunner
from bartizan.supervision.status import UnitStatus
from bartizan.supervision.task_runner import TaskRunner
from bartizan.supervision.units import Service, Unit

_ROTATE_EVERY = 30.0


class Supervisor:
    """All units of one platform. Units that need nothing from each other start side by side."""

    def __init__(self, units: Sequence[Unit], home: Home) -> None:
        self._home = home
        self._runners: dict[str, Runner] = {
            unit.name: ServiceRunner(unit, home) if isinstance(unit, Service) else TaskRunner(unit)
            for unit in units
        }
        for unit in units:
            runner = self._runners[unit.name]
            runner.needs = [self._runners[name] for name in unit.needs]
            for need in runner.needs:
                need.dependents.append(runner)
        self._stop_asked = asyncio.Event()

    async def run(self) -> None:
        """Runs the platform until `ask_to_stop`; returns when every process has ended."""
        self.start()
        rotating = asyncio.create_task(self._rotate_logs())
        await self._stop_asked.wait()
        rotating.cancel()
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))

    def start(self) -> None:
        """Starts what does not run: crashed services at once, failed tasks again."""
        for runner in self._runners.values():
            runner.start()

    def ask_to_stop(self) -> None:
        self._stop_asked.set()

    async def restart(self, name: str) -> None:
        """Restarts one service. Raises `BartizanError` naming those that can be."""
        runner = self._runners.get(name)
        if not isinstance(runner, ServiceRunner):
            known = [k for k, v in self._runners.items() if isinstance(v, ServiceRunner)]
            raise BartizanError(f"no service {name!r}: there are {', '.join(known)}")
        await runner.restart()

    async def statuses(self) -> list[UnitStatus]:
        """Every unit as it is now."""
        return list(await asyncio.gather(*(each.status() for each in self._runners.values())))

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_EVERY)
            for name in (*self._runners, "supervisor"):
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(rotate, self._home.log(name))
