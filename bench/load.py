"""The sender's side: posts events over kept connections, one at a time on each.

Flat out, it keeps no more than `window` events on their way through Callboard; at a
rate it sends on time, whatever became of the events before. It prints a line for each
event: when it was due to be sent, when it was answered, the status and its id.
"""

import asyncio
import gc
import sys
from collections import deque
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import click
import uvloop

from bench.wire import whole

_LOOK = 0.005  # how often the sink is asked how far it is
_PATIENCE = 30.0


@dataclass(slots=True)
class Plan:
    """`each`: deliveries that an event makes. Zero stands for no bound."""

    seconds: float
    count: int
    rate: float
    window: int
    each: int


@dataclass(slots=True)
class Load:
    plan: Plan
    messages: list[tuple[bytes, bytes]]
    free: deque["Line"] = field(default_factory=deque)
    due: deque[float] = field(default_factory=deque)
    done: list[tuple[float, float, bytes, bytes]] = field(default_factory=list)
    posted: int = 0
    delivered: int = 0
    over: bool = False

    def pump(self) -> None:
        """Starts what may start now."""
        while self.free and self._may_send():
            began = self.due.popleft() if self.plan.rate else monotonic()
            before, after = self.messages[self.posted % len(self.messages)]
            self.posted += 1
            self.free.popleft().send(before + b"%016d" % self.posted + after, began)

    def _may_send(self) -> bool:
        plan = self.plan
        if self.over or (plan.count and self.posted >= plan.count):
            return False
        if plan.rate:
            return bool(self.due)
        waiting = self.posted - self.delivered / plan.each
        return not plan.window or waiting < plan.window


class Line(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._rest = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._load.free.append(self)

    def send(self, request: bytes, began: float) -> None:
        self._began = began
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not whole(data):
            self._rest = data
            return
        self._rest = b""
        status = data[9:12]
        id = data[data.find(b'"id":"') + 6 :].partition(b'"')[0]
        self._load.done.append((self._began, monotonic(), status, id))
        self._load.free.append(self)
        self._load.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._load.over:
            sys.exit("The web process closed a connection.")


class Watch(asyncio.Protocol):
    """Asks the sink, again and again, how many requests it has had."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._before: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._transport.write(b"GET /count HTTP/1.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        count = int(data.rpartition(b"\r\n")[2])
        if self._before is None:
            self._before = count
        self._load.delivered = count - self._before
        self._load.pump()
        asyncio.get_running_loop().call_later(_LOOK, self._ask)


async def run(load: Load, web: int, sink: int, connections: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: Watch(load), "127.0.0.1", sink)
    for _ in range(connections):
        await loop.create_connection(lambda: Line(load), "127.0.0.1", web)
    await (_on_time(load) if load.plan.rate else _flat_out(load))
    load.over = True
    deadline = monotonic() + _PATIENCE
    while len(load.done) < load.posted and monotonic() < deadline:
        await asyncio.sleep(0.01)


async def _flat_out(load: Load) -> None:
    end = monotonic() + load.plan.seconds
    load.pump()
    while monotonic() < end if load.plan.seconds else load.posted < load.plan.count:
        await asyncio.sleep(0.01)


async def _on_time(load: Load) -> None:
    """With a little chance in it, so that nothing beats in time with our own clocks."""
    chance, gap, start = Random(1), 1 / load.plan.rate, monotonic()
    for place in range(int(load.plan.rate * load.plan.seconds)):
        due = start + (place + chance.random() / 2) * gap
        if (wait := due - monotonic()) > 0:
            await asyncio.sleep(wait)
        load.due.append(due)
        load.pump()
    while load.due:
        await asyncio.sleep(0.01)


def make_messages(key: str, types: list[str], size: int) -> list[tuple[bytes, bytes]]:
    """For each type the request before and after the event's own key."""
    return [_message(key, type, size) for type in types]


def _message(key: str, type: str, size: int) -> tuple[bytes, bytes]:
    before = f'{{"type":"{type}","id":"'
    after = f'","data":{make_data(size)}}}'
    head = (
        "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(before) + 16 + len(after)}\r\n\r\n"
    )
    return (head + before).encode(), after.encode()


def make_data(size: int) -> str:
    """JSON of this many bytes that does not compress to nothing."""
    start = '{"id":4711,"status":"ACTIVE","note":"'
    length = size - len(start) - 2
    return start + Random(size).randbytes(length).hex()[:length] + '"}'


@click.command()
@click.option("--web", type=int, required=True)
@click.option("--sink", type=int, required=True)
@click.option("--key", required=True)
@click.option("--types", default="contact.changed", help="with commas between")
@click.option("--size", default=200, help="bytes of the event's data")
@click.option("--connections", default=64)
@click.option("--seconds", default=0.0)
@click.option("--count", default=0)
@click.option("--rate", default=0.0)
@click.option("--window", default=0)
@click.option("--each", default=1)
def main(
    web: int, sink: int, key: str, types: str, size: int, connections: int, **plan: int
) -> None:
    gc.disable()  # nothing here makes cycles
    load = Load(Plan(**plan), make_messages(key, types.split(","), size))
    uvloop.run(run(load, web, sink, connections))
    for began, answered, status, id in load.done:
        click.echo(b"%.6f %.6f %b %b" % (began, answered, status, id))


if __name__ == "__main__":
    main()
