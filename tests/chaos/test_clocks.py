"""Machines that do not agree about the time of day."""

import asyncio
import os
from collections import defaultdict

import pytest
import redis

from callboard.queue import QUEUE_NAME, WAKE
from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import GOES_ON, sending
from tests.chaos.proving import settled
from tests.chaos.world import RETRY, World, until
from tests.servers import faketime_library

EVENTS = 1000 if LONG else 100
WRONG = {"worker 2": "-1h", "web 2": "+1h"}

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("TEST_ENGINE") != "postgres",
        reason="all that open one file share one clock",
    ),
    pytest.mark.skipif(not faketime_library(), reason="faketime is not installed"),
]


async def test_clocks_that_differ_send_nothing_early_twice_or_late(
    world: World, tell: Tell
) -> None:
    try:
        for name, clock in WRONG.items():
            await world.end(name)
            world.start(name, **told_wrong(clock))
        for name in WRONG:
            await world.started(name)
        gaps = await gaps_before_retries(world)
        async with sending(world) as load:
            await load.more(EVENTS)
        figures = await settled(load)
        await until(lambda: rings_heard(world), within=GOES_ON)
    finally:
        for name in WRONG:
            await world.end(name)
    assert figures.repeats == 0
    assert min(gaps) >= RETRY * 0.9
    assert max(gaps) <= RETRY + GOES_ON
    tell(1, figures, f"retries after {min(gaps):.1f} to {max(gaps):.1f} s")


def rings_heard(world: World) -> bool:
    """However late it seems to a worker, none waits in the queue, but those of which
    arq thinks that a worker that was killed still hears them."""
    with redis.Redis.from_url(world.redis.url) as connected:
        return all(
            connected.exists(f"arq:in-progress:{id.decode()}")
            for id in connected.zrange(QUEUE_NAME, 0, -1)
            if id.startswith(WAKE.encode())
        )


def told_wrong(clock: str) -> dict[str, str]:
    library = str(faketime_library())
    return {"LD_PRELOAD": library, "FAKETIME": clock, "DONT_FAKE_MONOTONIC": "1"}


async def gaps_before_retries(world: World) -> list[float]:
    """The seconds between the two calls of each event, by the receiver's clock."""
    place = len(await world.calls_since(0))
    for _ in range(10):
        for web in world.web_ports:
            await world.post("/events", {"type": "invoice.tried", "data": {}}, web)
    async with asyncio.timeout(RETRY + 2 * GOES_ON):
        while await world.ask("waiting"):
            pass
    times = defaultdict(list)
    for id, _, at in await world.calls_since(place):
        times[id].append(at)
    assert [len(calls) for calls in times.values()] == [2] * 20
    return [second - first for first, second in times.values()]
