"""A way to a server that a test breaks for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Way:
    """`url`: the server's, by this way."""

    to: str
    url: str = ""
    _server: asyncio.Server | None = None
    _moves: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self) -> None:
        self._moves.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(self.to)
        place = f"{parts.username}@" if parts.username else ""
        path = parts.path if parts.hostname else "/0"
        scheme = parts.scheme if parts.hostname else "redis"
        self.url = f"{scheme}://{place}127.0.0.1:{port}{path}"

    def stand_still(self) -> None:
        """As a server does that is stopped: it takes connections, and says nothing."""
        self._moves.clear()

    def cut(self) -> None:
        """As if the server had ended."""
        assert self._server
        self._server.close()
        self._moves.set()
        for end in self._ends:
            end.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there = await self._connect()
        self._ends += [writer, there[1]]
        passing = self._pass_on(reader, there[1]), self._pass_on(there[0], writer)
        await asyncio.gather(*passing)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.to)
        if parts.hostname:
            return await asyncio.open_connection(parts.hostname, parts.port)
        return await asyncio.open_unix_connection(parts.path)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while some := await reader.read(65536):
                await self._moves.wait()
                writer.write(some)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def way_to(url: str) -> AsyncIterator[Way]:
    """To a server at a host and port, or a Redis at a socket."""
    way = Way(url)
    await way.open()
    try:
        yield way
    finally:
        way.cut()
