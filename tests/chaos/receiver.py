"""The receiver of the chaos tests, a process of its own: it outlives what it calls.

It answers 200, on /slow after a while, on /again only the second time, on /hangs/… the
first time so late that nobody waits for it. Before that it notes the call, and after
one with several events each of these.
Each line it gets on standard input is a place: it prints the calls from there on; or
the word `whole`: it prints the calls of /whole with all that they brought.
"""

import asyncio
import json
import sys
from time import monotonic

SLOW_SECONDS = 0.2
HANGS_SECONDS = 60.0
_ANSWER = b"HTTP/1.1 %d Answer\r\nContent-Length: 2\r\n\r\nok"

calls: list[tuple[str, str, float]] = []
seen: set[tuple[str, str]] = set()
whole: list[tuple[float, str, dict[str, str], str]] = []


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            _, path = call = await _note(reader)
            is_first = call not in seen
            seen.add(call)
            if path == "/slow":
                await asyncio.sleep(SLOW_SECONDS)
            if path.startswith("/hangs") and is_first:
                await asyncio.sleep(HANGS_SECONDS)
            writer.write(_ANSWER % (500 if path == "/again" and is_first else 200))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the caller was killed, or has no more for us
    finally:
        writer.close()


async def _note(reader: asyncio.StreamReader) -> tuple[str, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["Content-Length"]))
    id = headers["webhook-id"]
    events = [each["id"] for each in json.loads(body)] if id.startswith("bat_") else []
    calls.extend((noted, path, monotonic()) for noted in (id, *events))
    if path == "/whole":
        whole.append((monotonic(), method, headers, body.decode()))
    return id, path


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    while line := await asyncio.to_thread(sys.stdin.readline):
        found = whole if line == "whole\n" else calls[int(line) :]
        print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
