"""HTTP/1.1 over kept connections, as lean as a client can be: it must not be what is measured."""

import asyncio

import httptools


class Connection(asyncio.Protocol):
    """One connection; it carries one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self.is_usable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream is needed")
        self._transport = transport
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.is_usable = self._parser.should_keep_alive()
        answer, status = self._answer, self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        if answer is not None and not answer.done():
            answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up, which breaks a request under way."""
        self.is_usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    async def ask(self, request: bytes) -> int:
        """Sends the bytes of a request and returns the status of its answer, once it is whole.

        Raises ConnectionError when the connection ends first.
        """
        if self._transport is None or not self.is_usable:
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hangs up."""
        if self._transport is not None:
            self._transport.abort()


class Pool:
    """Connections to one server, opened as they are needed, at most `limit`."""

    def __init__(self, host: str, port: int, limit: int) -> None:
        self._address = (host, port)
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(limit)

    async def ask(self, request: bytes) -> int:
        """As `Connection.ask`, on a connection that is free now, or as soon as one is."""
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._open()
            try:
                return await connection.ask(request)
            finally:
                if connection.is_usable:
                    self._idle.append(connection)

    def close(self) -> None:
        """Hangs up everywhere."""
        for connection in self._idle:
            connection.close()

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, *self._address)
        return connection
