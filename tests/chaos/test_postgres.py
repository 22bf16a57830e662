"""PostgreSQL ends and comes back, in order or by a crash."""

import asyncio
import os
import signal
import time
from itertools import chain, repeat

import pytest

from tests.chaos.conftest import LONG, SOME, Tell
from tests.chaos.load import sending
from tests.chaos.proving import settled
from tests.chaos.world import World

ROUNDS = 8 if LONG else 1
# Longer than a worker may be silent.
OUTAGE = 13.0 if LONG else 0.0

pytestmark = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") != "postgres", reason="there is no server to restart"
)


async def test_a_database_that_comes_back_finds_everybody_there(
    world: World, tell: Tell
) -> None:
    assert world.postgres
    lengths, longest = chain([OUTAGE], repeat(0.0)), 0.0
    async with sending(world) as load:
        for how in (signal.SIGINT, signal.SIGQUIT) * ROUNDS:
            await load.more(SOME)
            with load.outage():
                await asyncio.to_thread(world.postgres.stop, how)
                await load.refusals(20)
                await asyncio.sleep(next(lengths))
                world.postgres.start()
                await asyncio.to_thread(world.postgres.wait)
            back = time.monotonic()
            await load.more(SOME)
            longest = max(longest, time.monotonic() - back)
    figures = await settled(load)
    assert set(load.refused) == {503}
    assert figures.repeats == 0
    tell(2 * ROUNDS, figures, f"{SOME} accepted within {longest:.1f} s of its return")
