"""A proxy that holds the requests of one kind, so that who sends them stays in the middle of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK = 1 << 16


class HoldingProxy:
    """Passes bytes on; but a request waits whose method and path begin and end so."""

    def __init__(self, target_port: int, begins: bytes, ends: bytes) -> None:
        self._target_port = target_port
        self._begins = begins
        self._ends = ends + b" HTTP/1.1"
        self.holds = asyncio.Event()
        self._open = asyncio.Event()
        self.port = 0

    def open(self) -> None:
        """Hold nothing from now on."""
        self._open.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on any free port until left, which takes the end of all who use it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self.open()
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        answers = asyncio.create_task(_pass_on(target_reader, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                line = chunk.partition(b"\r\n")[0]
                if line.startswith(self._begins) and line.endswith(self._ends):
                    self.holds.set()
                    await self._open.wait()
                target_writer.write(chunk)
                await target_writer.drain()
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            target_writer.close()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
