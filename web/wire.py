"""An answer leaves in one piece.

uvicorn writes the head of an answer and then its body, and uvloop sends each at once:
two packets, for each of which the caller wakes up.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# More is sent before the turn is over: who streams must learn how fast it is read.
_MOST_BYTES = 64 * 1024


class OnePieceProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # all that it uses of one


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
