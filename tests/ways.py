"""A way to a server that a test breaks, at once or when somebody asks for something."""

import asyncio
from collections.abc import AsyncIterator, Callable
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
    _awaited: tuple[bytes, Callable[["Way"], None]] | None = None
    _passing: int = 0
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

    def move_on(self) -> None:
        """What was said meanwhile is heard now."""
        self._moves.set()

    def at(self, text: str, act: Callable[["Way"], None], *, passing: int = 0) -> None:
        """`act` breaks it once, as a statement with this text comes by, before the
        server hears of it. So many of them pass before."""
        self._awaited, self._passing = (text.encode(), act), passing

    @property
    def has_acted(self) -> bool:
        return self._awaited is None

    def cut(self) -> None:
        """As if the server had ended."""
        assert self._server
        self._server.close()
        self._moves.set()
        self.hang_up()

    def hang_up(self) -> None:
        """Whoever comes again is let in."""
        for end in self._ends:
            end.close()
        self._ends.clear()

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
                self._look_at(some)
                await self._moves.wait()
                writer.write(some)
                await writer.drain()
        writer.close()

    def _look_at(self, some: bytes) -> None:
        if not self._awaited or self._awaited[0] not in some:
            return
        self._passing -= 1
        if self._passing < 0:
            act, self._awaited = self._awaited[1], None
            act(self)


@asynccontextmanager
async def way_to(url: str) -> AsyncIterator[Way]:
    """To a server at a host and port, or a Redis at a socket."""
    way = Way(url)
    await way.open()
    try:
        yield way
    finally:
        way.cut()
