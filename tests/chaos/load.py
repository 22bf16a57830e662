"""The sender's side: events at a steady rate, and what stood in their way."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

import aiohttp

from tests.chaos.world import ANSWERS_WITHIN, World

RATE = 150.0
MOST = 100_000
TYPES = ("order.made", "order.paid", "order.made", "invoice.sent")
# Every so many events have so long a text. Such data is read only as a call begins.
LONG_TEXTS = {99: 200_000, 11: 20_000, 1: 0}
# What was not in flight goes on within this, what was in flight within that.
GOES_ON = 5.0
TAKEN_OVER = 5.0

Call = tuple[str, str]
_number = count()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answered with 202."""

    id: str
    key: str
    deliveries: int
    at: float


@dataclass
class Load:
    """`refused`: keys by status, or by how the connection broke. `outages`: from when
    to when nothing could be delivered. `kills`: of workers. `takes_over`: so long what
    was in flight may take."""

    world: World
    rate: float
    place: int
    accepted: list[Accepted] = field(default_factory=list)
    refused: dict[int | str, list[str]] = field(default_factory=dict)
    outages: list[tuple[float, float]] = field(default_factory=list)
    kills: list["Kill"] = field(default_factory=list)
    slowest_answer: float = 0.0
    takes_over: float = TAKEN_OVER
    over: bool = False

    async def more(self, events: int, within: float = 30.0) -> None:
        """Waits until so many more are accepted."""
        wanted = len(self.accepted) + events
        async with asyncio.timeout(within):
            while len(self.accepted) < wanted:  # noqa: ASYNC110  nobody tells us
                await asyncio.sleep(0.02)

    async def refusals(self, number: int, within: float = 30.0) -> None:
        """Waits until so many more are answered with 503."""
        refused = self.refused.setdefault(503, [])
        wanted = len(refused) + number
        async with asyncio.timeout(within):
            while len(refused) < wanted:  # noqa: ASYNC110  nobody tells us
                await asyncio.sleep(0.02)

    async def warm(self) -> None:
        """Waits until every webhook may have many calls in flight."""
        async with asyncio.timeout(30):
            while await self.world.ask("slots") < 16:
                pass

    async def kill_worker(self, name: str) -> None:
        """While it has calls in flight."""
        async with asyncio.timeout(30):
            while not await self._stopped_with_calls(name):
                self.world.signal(name, signal.SIGCONT)
        await self.lost(name)
        self.world.kill(name)

    async def _stopped_with_calls(self, name: str) -> bool:
        """Stands still, before others take it over. What was seen in flight may have
        ended just before that."""
        worker = self.world.worker_id(name)
        while not await self.world.ask("leased", worker):
            pass
        self.world.signal(name, signal.SIGSTOP)
        return bool(await self.world.ask("leased", worker))

    async def lost(self, *names: str) -> None:
        """These workers do nothing any more."""
        at = time.monotonic()
        held: list[list[str]] = []
        for name in names:
            held += await self.world.ask("leased", self.world.worker_id(name))
        alive = set(self.world.workers) - set(names)
        ids = self.world.worker_ids(alive)
        full = await self.world.ask("full", *ids)
        self.kills.append(
            Kill(
                at,
                frozenset(call_of(id, url) for id, url in held),
                frozenset(_path(url) for url in full),
            )
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        down = time.monotonic()
        yield
        up = time.monotonic()
        self.outages.append((down, up))
        self.kills = [kill.ended_outage(up) for kill in self.kills]

    def free_since(self, call: Call, answered: float) -> float:
        """Since when nothing kept a delivery waiting."""
        since = answered
        for down, up in self.outages:
            if down < since + GOES_ON:
                since = max(since, up)
        for kill in self.kills:
            if call[1] in kill.full and kill.at < since + GOES_ON:
                since = max(since, kill.at + self.takes_over)
        return since


@dataclass(frozen=True, slots=True)
class Kill:
    """`held`: what the worker had in flight. `full`: the paths of webhooks that may
    have no more calls: what waits for them waits until these are taken over."""

    at: float
    held: frozenset[Call]
    full: frozenset[str]

    def ended_outage(self, up: float) -> "Kill":
        """Nobody was there to take over before. Much came together meanwhile, so that
        a webhook may now be held up by the calls that still count as in flight."""
        return Kill(
            max(self.at, up), self.held, frozenset(path for _, path in self.held)
        )


@asynccontextmanager
async def sending(world: World, rate: float = RATE) -> AsyncIterator[Load]:
    place = len(await world.calls_since(0))
    load = Load(world, rate, place)
    headers = {"Authorization": f"Bearer {world.key}"}
    wait = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    # The server closes what is idle for 5 s: an event must not cross that.
    keep = aiohttp.TCPConnector(limit=200, keepalive_timeout=2)
    async with aiohttp.ClientSession(
        connector=keep, headers=headers, timeout=wait
    ) as session:
        posting = asyncio.create_task(_post_all(load, session))
        try:
            yield load
        finally:
            load.over = True
            await posting


def call_of(id: str, url: str) -> Call:
    return id, _path(url)


async def _post_all(load: Load, session: aiohttp.ClientSession) -> None:
    """When it is over, those under way still get their answer."""
    ports = cycle(load.world.web_ports.values())
    begun = time.monotonic()
    async with asyncio.TaskGroup() as posts:
        for number, type in zip(range(MOST), cycle(TYPES), strict=False):
            if load.over:
                return
            await asyncio.sleep(begun + number / load.rate - time.monotonic())
            posts.create_task(_post(load, session, next(ports), type))


async def _post(
    load: Load, session: aiohttp.ClientSession, port: int, type: str
) -> None:
    number = next(_number)
    key = f"{load.place}-{number}"
    body = {"type": type, "id": key, "data": _data(number)}
    url, begun = f"http://127.0.0.1:{port}/api/v1/events", time.monotonic()
    try:
        async with session.post(url, json=body) as answer:
            found = await answer.json()
            status: int | str = answer.status
    except (aiohttp.ClientError, TimeoutError) as problem:
        found, status = {}, problem.__class__.__name__
    now = time.monotonic()
    load.slowest_answer = max(load.slowest_answer, now - begun)
    if status == 202:
        load.accepted.append(Accepted(found["id"], key, found["deliveries"], now))
    else:
        load.refused.setdefault(status, []).append(key)


def _data(number: int) -> dict[str, object]:
    length = next(n for every, n in LONG_TEXTS.items() if number % every == 0)
    return {"amount": 1, "text": "x" * length}


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
