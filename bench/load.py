"""The sender's side: posts events over kept connections, one at a time on each.

Flat out, it keeps no more than `window` events on their way through Callboard; at a
rate it sends on time, whatever became of the events before. It prints a line for each
event: when it was due to be sent, when it was answered, the status, its id, its type
and how many deliveries it makes.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import cast

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
    first: int


@dataclass(frozen=True, slots=True)
class Message:
    """A request before and after the sender's key for the event."""

    type: bytes
    before: bytes
    after: bytes


@dataclass(slots=True)
class Load:
    plan: Plan
    messages: list["Message"]
    port: int
    free: deque["Line"] = field(default_factory=deque)
    due: deque[float] = field(default_factory=deque)
    done: list[tuple[float, float, bytes, bytes, bytes, bytes]] = field(
        default_factory=list
    )
    posted: int = 0
    delivered: int = 0
    over: bool = False
    opening: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Line(self), "127.0.0.1", self.port)
        self.pump()

    def pump(self) -> None:
        """Starts what may start now."""
        while self.free and self._may_send():
            began = self.due.popleft() if self.plan.rate else monotonic()
            message = self.messages[self.posted % len(self.messages)]
            self.posted += 1
            number = self.plan.first + self.posted
            self.free.popleft().send(message, number, began)

    def _may_send(self) -> bool:
        plan = self.plan
        if self.over or (plan.count and self.posted >= plan.count):
            return False
        if plan.rate:
            return bool(self.due)
        if not plan.window:
            return True
        return self.posted - self.delivered / plan.each < plan.window


class Line(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._rest = b""
        self._began = 0.0
        self._type = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._load.free.append(self)

    def send(self, message: Message, number: int, began: float) -> None:
        self._began = began
        self._type = message.type
        self._transport.write(message.before + b"%016d" % number + message.after)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not whole(data):
            self._rest = data
            return
        self._rest = b""
        status = data[9:12]
        id = data[data.find(b'"id":"') + 6 :].partition(b'"')[0]
        count = data.rpartition(b":")[2].rstrip(b"}")
        self._note(status, id, count)
        self._load.free.append(self)
        self._load.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """An idle one is closed after some seconds: another takes its place."""
        load = self._load
        if self in load.free:
            load.free.remove(self)
        else:
            self._note(b"000", b"-", b"0")
        if not load.over:
            load.opening.add(asyncio.create_task(load.open()))

    def _note(self, status: bytes, id: bytes, count: bytes) -> None:
        sent = (self._began, monotonic(), status, id, self._type, count)
        self._load.done.append(sent)


class Watch(asyncio.Protocol):
    """Asks the sink, again and again, how many requests it has had."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._transport.write(b"GET /count HTTP/1.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        self._load.delivered = int(data.rpartition(b"\r\n")[2])
        self._load.pump()
        asyncio.get_running_loop().call_later(_LOOK, self._ask)


async def run(load: Load, sink: int, connections: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: Watch(load), "127.0.0.1", sink)
    for _ in range(connections):
        await load.open()
    await (_on_time(load) if load.plan.rate else _flat_out(load))
    load.over = True
    deadline = monotonic() + _PATIENCE
    await _until(
        lambda: len(load.done) == load.posted or monotonic() > deadline,
    )


async def _until(over: Callable[[], bool]) -> None:
    """Looked at now and then: that costs less than telling would."""
    while not over():  # noqa: ASYNC110  see above
        await asyncio.sleep(0.01)


async def _flat_out(load: Load) -> None:
    plan = load.plan
    end = monotonic() + plan.seconds
    load.pump()
    if plan.count:
        await _until(lambda: load.posted == plan.count)
    else:
        await _until(lambda: monotonic() > end)


async def _on_time(load: Load) -> None:
    """With a little chance in it, so that nothing beats in time with our own clocks."""
    chance = Random(1)  # noqa: S311  the same in each run
    gap, start = 1 / load.plan.rate, monotonic()
    for place in range(int(load.plan.rate * load.plan.seconds)):
        due = start + (place + chance.random() / 2) * gap
        if (wait := due - monotonic()) > 0:
            await asyncio.sleep(wait)
        load.due.append(due)
        load.pump()
    await _until(lambda: not load.due)


def make_message(key: str, type: str, size: int) -> Message:
    before = f'{{"type":"{type}","id":"'
    after = f'","data":{make_data(size)}}}'
    head = (
        "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(before) + 16 + len(after)}\r\n\r\n"
    )
    return Message(type.encode(), (head + before).encode(), after.encode())


def make_data(size: int) -> str:
    """JSON of this many bytes that does not compress to nothing."""
    start = '{"id":4711,"status":"ACTIVE","note":"'
    length = size - len(start) - 2
    chance = Random(size)  # noqa: S311  the same in each run
    return start + chance.randbytes(length).hex()[:length] + '"}'


@click.command()
@click.option("--web", type=int, required=True)
@click.option("--sink", type=int, required=True)
@click.option("--key", required=True)
@click.option("--types", default="contact.changed", help="with commas between")
@click.option("--size", default=200, help="bytes of the event's data")
@click.option("--connections", default=192)
@click.option("--seconds", default=0.0)
@click.option("--count", default=0)
@click.option("--rate", default=0.0)
@click.option("--window", default=0)
@click.option("--each", default=1)
@click.option("--first", default=0, help="after this number the keys begin")
def main(
    web: int, sink: int, key: str, types: str, size: int, connections: int, **plan: int
) -> None:
    gc.disable()  # nothing here makes cycles
    messages = [make_message(key, type, size) for type in types.split(",")]
    load = Load(Plan(**plan), messages, web)
    uvloop.run(run(load, sink, connections))
    lines = [b"%.6f %.6f %b %b %b %b\n" % each for each in load.done]
    click.echo(b"".join(lines), nl=False)


if __name__ == "__main__":
    main()
