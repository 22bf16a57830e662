"""The receiver: notes when each request was there in full, and answers 200.

A path that begins with /slow is answered after two seconds. One with /dead is never
answered, and not noted either.
`GET /count` and `GET /arrivals` (which also forgets them) are for the benchmark.
"""

import asyncio
import gc
import sys
from time import monotonic
from typing import cast

import uvloop

from bench.wire import header, whole

SLOW_SECONDS = 2.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

arrivals: list[tuple[bytes, bytes, float]] = []


class Line(asyncio.Protocol):
    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while data and (end := whole(data)):
            self._answer(data[:end])
            data = data[end:]
        self._rest = data

    def _answer(self, request: bytes) -> None:
        method, path, _ = request.split(b" ", 2)
        if method == b"GET":
            self._transport.write(_told(path))
            return
        if path.startswith(b"/dead"):
            return
        if path.startswith(b"/crowd"):
            self._transport.write(_ANSWER)  # a million of them need not be noted
            return
        arrivals.append((header(request, b"webhook-id"), path, monotonic()))
        if path.startswith(b"/slow"):
            loop = asyncio.get_running_loop()
            loop.call_later(SLOW_SECONDS, self._transport.write, _ANSWER)
        else:
            self._transport.write(_ANSWER)


def _told(path: bytes) -> bytes:
    if path == b"/count":
        body = b"%d" % len(arrivals)
    else:
        lines = [b"%b %b %.6f" % arrival for arrival in arrivals]
        body = b"\n".join(lines)
        arrivals.clear()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Line, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    gc.disable()  # nothing here makes cycles
    uvloop.run(serve(int(sys.argv[1])))
