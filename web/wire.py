"""What uvicorn's protocol does not do by itself.

An answer leaves in one piece: uvicorn writes its head and then its body, and uvloop
sends each at once, two packets, for each of which the caller wakes up. And of a large
body no more is read than somebody asks for.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

# More is sent before the turn is over: who streams must learn how fast it is read.
_MOST_BYTES = 64 * 1024
# Of all connections: what has been read is copied out of it at once.
_BUFFER = bytearray(32 * 1024)
_VIEW = memoryview(_BUFFER)


class OnePieceProtocol(asyncio.BufferedProtocol):
    """Stands before uvicorn's, to which uvloop would give up to 250 KiB at once."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._http = HttpToolsProtocol(*given, **more)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        gathering = Gathering(cast(asyncio.Transport, transport), self._http.loop)
        self._http.connection_made(gathering)  # type: ignore[arg-type]  # all that it uses of one

    def get_buffer(self, _: int) -> bytearray:
        return _BUFFER

    def buffer_updated(self, size: int) -> None:
        http = self._http
        http.data_received(_VIEW[:size])  # type: ignore[arg-type]  # its parser copies
        cycle: RequestResponseCycle | None = http.cycle  # none before the first request
        # The rest of what it has answered unread nobody asks for, nor keeps.
        if cycle and cycle.more_body and not cycle.response_complete:
            http.flow.pause_reading()  # until the application asks for more

    def eof_received(self) -> None:
        self._http.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._http.connection_lost(error)

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()


class Gathering:
    """A transport for uvicorn: what a turn of the loop writes goes together."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._bytes = 0
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts, self._bytes = self._parts, [], 0
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)
