"""Bare calls: a receiver that keeps the bytes as they came, and a sender to it."""

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import open_sender
from callboard.egress.policy import EgressPolicy, parse_destinations

LOOPBACK = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def url(self, path="/", host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def receiving(*answers, tls=None):
    """Takes requests; gives the answers in turn, the last one for ever after.

    An answer of None closes the connection.
    """
    receiver, tasks, left = Receiver(), set[Any](), list(answers or [ANSWER])

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        receiver.connections += 1
        try:
            while True:
                receiver.requests.append(await read_request(reader))
                answer = left.pop(0) if len(left) > 1 else left[0]
                if answer is None:
                    break
                writer.write(answer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


def a_call(url, method="POST", headers=(), body=b"{}", budget=2.0):
    return Call(method, url, tuple(headers), body, budget)


async def send(url, policy=LOOPBACK, *, lookup=None, tls=None, client=None, **parts):
    async with open_sender(policy, lookup=lookup, tls=tls) as sender:
        return await sender.send(a_call(url, **parts), client)


def answers_of(*answers):
    """A look-up that gives these lists of addresses in turn, the last for ever."""
    left, asked = list(answers), []

    async def lookup(name):
        asked.append(name)
        return left.pop(0) if len(left) > 1 else left[0]

    return lookup, asked
