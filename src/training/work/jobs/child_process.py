"""The process of one job, as its worker sees it: ``ChildProcess.start(...)``."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from training.utils.process_limits import kill_group
from training.work.jobs.messages import FromJob, FromWorker, frame, read_from_job

COMMAND = ("-m", "training.main", "job-process")
"""The arguments of the interpreter, before the number of the channel's descriptor."""


def child_environment(own: Mapping[str, str], withheld: Sequence[str]) -> dict[str, str]:
    """The environment of a job: ours, so that a packed program finds its modules too, without the
    variables that lead to what only a worker may have."""
    kept = {name: value for name, value in own.items() if name not in withheld}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class ChildProcess:
    """A process in a group of its own, with a channel to it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, environment: Mapping[str, str], command: Sequence[str]) -> Self:
        """Start a fresh interpreter, which knows nothing of our threads and connections."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *command,
                    str(theirs.fileno()),
                    env=environment,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                )
            except BaseException:
                ours.close()
                raise
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """The process's id, and its group's."""
        return self._process.pid

    async def send(self, message: FromWorker) -> None:
        """Tell the process, if it is still there."""
        with suppress(ConnectionError):
            self._writer.write(frame(message))
            await self._writer.drain()

    async def receive(self) -> FromJob | None:
        """The next message; None where the process is gone."""
        return await read_from_job(self._reader)

    async def end(self, grace_s: float = 0.0) -> int:
        """Wait for the end, and make it after the grace; the exit status.

        What the process has started goes with it.
        """
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            pass
        kill_group(self.pid)
        status = await self._process.wait()
        self._writer.close()
        return status
