"""Redis rings the bell; without it everything happens a little later."""

import asyncio
import time

import redis

from tests.chaos.conftest import LONG, SOME, Tell
from tests.chaos.load import GOES_ON, sending
from tests.chaos.proving import settled
from tests.chaos.world import World, until

AWAY = 60 if LONG else 5
EMPTIED = 20 if LONG else 10


async def test_redis_may_be_emptied_and_be_away(world: World, tell: Tell) -> None:
    async with sending(world) as load:
        await load.more(SOME)
        with redis.Redis.from_url(world.redis.url) as connected:
            for _ in range(EMPTIED):
                connected.flushall()
                await load.more(5)
        world.redis.stop()
        await asyncio.sleep(AWAY)  # nothing to wait for: this is the outage
        world.redis.start()
        back = time.monotonic()
        await until(lambda: hear_again(world), within=30)
        normal = time.monotonic() - back
        await load.more(SOME)
    figures = await settled(load)
    assert not figures.refused
    assert figures.repeats == 0
    assert load.slowest_answer < GOES_ON
    assert normal < GOES_ON
    tell(EMPTIED + 1, figures, f"away {AWAY} s, normal {normal:.1f} s after its return")


def hear_again(world: World) -> bool:
    logs = [log for name, log in world.logs.items() if name.startswith("worker")]
    return all("redis.back" in log.read_text() for log in logs)
