"""Keeps a service running: starts it, watches it, starts it again with growing patience."""

import asyncio
import contextlib
import logging
import signal
import time
from asyncio.subprocess import Process

from bartizan.errors import BartizanError
from bartizan.home import Home
from bartizan.supervision.backoff import Backoff
from bartizan.supervision.identity import identity
from bartizan.supervision.launching import launch
from bartizan.supervision.log_files import rotate
from bartizan.supervision.records import Record, Records
from bartizan.supervision.runner import Runner, now
from bartizan.supervision.status import Exit, UnitStatus
from bartizan.supervision.units import Service

log = logging.getLogger("bartizan")

_PROBE_EVERY = 0.1
_PROBE_TIMEOUT = 2.0
_PROBE_HOLDS = 1.0


class ServiceRunner(Runner):
    """A unit that is a process, restarted whenever it ends unasked."""

    def __init__(self, service: Service, home: Home) -> None:
        super().__init__(service.name)
        self.restarts = 0
        self.last_exit: Exit | None = None
        self._service = service
        self._home = home
        self._records = Records(home.processes)
        self._backoff = Backoff()
        self._process: Process | None = None
        self._stop_asked = asyncio.Event()
        self._restart_asked = False
        self._hurry = asyncio.Event()
        self._asked_at = 0.0

    def start(self) -> None:
        """Starts it; one that waits for its next try is started at once."""
        self._hurry.set()
        super().start()

    async def restart(self) -> None:
        """Ends the process, and starts it again without delay; not counted as a crash."""
        self._restart_asked = True
        self.settled.clear()
        if self._process is not None:
            await self._terminate(self._process)
        self.start()

    async def _work_on(self) -> None:
        self._stop_asked.clear()
        outcome = ""
        while not self._stop_asked.is_set():
            self._restart_asked = False
            started = time.monotonic()
            self.enter("starting", outcome)
            try:
                process = await self._launch()
                outcome = await self._live(process)
            except (BartizanError, OSError) as error:
                outcome = str(error)
            if not self._stop_asked.is_set() and not self._restart_asked:
                await self._wait(outcome, self._backoff.after(time.monotonic() - started))
                self.restarts += 1

    async def _launch(self) -> Process:
        rotate(self._home.log(self.name))
        await self._service.prepare()
        return await launch(
            self._service.command,
            self._service.environment,
            self._home.log(self.name),
            self._service.account,
        )

    async def _live(self, process: Process) -> str:
        """Watches one life of the process to its end, and says how it ended."""
        self._process = process
        log.info("%s started, pid %d", self.name, process.pid)
        self._record(process.pid)
        if self._stop_asked.is_set():
            process.send_signal(self._service.stop_signal)
        watch = asyncio.create_task(self._until_ready())
        code = await process.wait()
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        self._process = None
        self.settled.clear()
        self._records.forget(self.name)
        self.last_exit = _exit(code)
        log.info("%s ended: %s", self.name, self.last_exit)
        return f"ended with {self.last_exit}"

    async def _until_ready(self) -> None:
        while True:
            if await self._is_ready():
                break
            await asyncio.sleep(_PROBE_EVERY)
        self.enter("ready")
        self.settled.set()

    async def _is_ready(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                return await self._service.ready()
        except BartizanError as error:
            self.enter("failed", str(error))
        except (OSError, TimeoutError):
            pass
        return False

    async def _wait(self, outcome: str, seconds: float) -> None:
        self.enter("backoff", f"{outcome}; next try in {seconds:g} s")
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    def _record(self, pid: int) -> None:
        record = Record(
            name=self.name,
            pid=pid,
            identity=identity(pid) or "",
            stop_signal=self._service.stop_signal,
            stop_seconds=self._service.stop_seconds,
        )
        try:
            self._records.write(record)
        except OSError as error:
            # A full disk must not take the guard down; only a later kill -9 of us would miss this.
            log.warning("%s cannot be recorded: %s", self.name, error)

    async def _end(self, work: asyncio.Task[None]) -> None:
        self._stop_asked.set()
        self._hurry.set()
        if self._process is not None:
            await self._terminate(self._process)
        elif self.state == "waiting":
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def _terminate(self, process: Process) -> None:
        self.enter("stopping")
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self._service.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self._service.stop_seconds)
        except TimeoutError:
            log.warning("%s did not stop in time: killed", self.name)
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()

    async def status(self) -> UnitStatus:
        """Asks the service itself whether it is ready, unless it said so within the last second."""
        state = self.state
        if state == "ready" and time.monotonic() - self._asked_at > _PROBE_HOLDS:
            if await self._is_ready():
                self._asked_at = time.monotonic()
            else:
                state = "unready"
        return UnitStatus(
            name=self.name,
            kind="service",
            state=state,
            since=self.since,
            pid=self._process.pid if self._process else None,
            restarts=self.restarts,
            last_exit=self.last_exit,
            address=self._service.address,
            detail=self.detail,
        )


def _exit(code: int) -> Exit:
    if code < 0:
        return Exit(status=None, signal=signal.Signals(-code).name, at=now())
    return Exit(status=code, signal=None, at=now())
