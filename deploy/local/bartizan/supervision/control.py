"""The control socket: one JSON line asks, one JSON line answers."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Literal

import msgspec

from bartizan.errors import BartizanError, NotUpError
from bartizan.home import Home
from bartizan.supervision.status import PlatformStatus
from bartizan.supervision.supervisor import Supervisor

_NAME = "control.sock"
"""Always bound and reached from inside its folder: a socket's path may be 107 bytes, no more."""


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What the supervisor can be asked; `service` goes with `restart`."""

    command: Literal["status", "start", "stop", "restart"]
    service: str = ""


class Reply(msgspec.Struct):
    """The platform's state, or why the request was refused."""

    platform: PlatformStatus | None = None
    error: str | None = None


async def serve(
    home: Home, supervisor: Supervisor, *, build: str, port_offset: int
) -> asyncio.Server:
    """Listens for requests. The folder is its owner's alone, so nobody else can ask."""

    async def answer(request: Request) -> Reply:
        if request.command == "restart":
            await supervisor.restart(request.service)
        elif request.command == "start":
            supervisor.start()
        elif request.command == "stop":
            supervisor.ask_to_stop()
        units = await supervisor.statuses()
        status = PlatformStatus(pid=os.getpid(), build=build, port_offset=port_offset, units=units)
        return Reply(platform=status)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                reply = await answer(msgspec.json.decode(await reader.readline(), type=Request))
            except (BartizanError, msgspec.DecodeError) as error:
                reply = Reply(error=str(error))
            writer.write(msgspec.json.encode(reply) + b"\n")
            await writer.drain()
        writer.close()

    with contextlib.chdir(home.run):
        await asyncio.to_thread(Path(_NAME).unlink, missing_ok=True)
        return await asyncio.start_unix_server(handle, _NAME)


def ask(home: Home, request: Request, *, timeout: float = 30.0) -> PlatformStatus:
    """Asks the supervisor. Raises `NotUpError` if none answers, `BartizanError` if it refuses."""
    line = msgspec.json.encode(request) + b"\n"
    try:
        with (
            contextlib.chdir(home.run),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            connection.settimeout(timeout)
            connection.connect(_NAME)
            connection.sendall(line)
            answer = connection.makefile("rb").readline()
        reply = msgspec.json.decode(answer, type=Reply)
    except TimeoutError:
        raise BartizanError(
            f"the supervisor did not answer in {timeout:g} s: `bartizan down` ends it"
        ) from None
    except (OSError, msgspec.DecodeError):
        raise NotUpError("the platform is not up: start it with `bartizan up`") from None
    if reply.platform is None:
        raise BartizanError(reply.error or "the supervisor gave no reason")
    return reply.platform
