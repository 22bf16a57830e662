"""Workers that stop without a word: alive for their machine, dead for everybody."""

import asyncio
import os
import signal
import time

import pytest

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import sending
from tests.chaos.proving import settled
from tests.chaos.world import World

NOTICED = 60.0
# 10 s of silence, and what was in flight is called again.
TAKEN_OVER = 15.0

pytestmark = [
    pytest.mark.skipif(not LONG, reason="it takes a while: make chaos"),
    pytest.mark.skipif(
        os.environ.get("TEST_ENGINE") != "postgres",
        reason="who stands still may keep a file locked",
    ),
]


async def test_workers_that_stand_still_are_noticed_within_a_minute(
    world: World, tell: Tell
) -> None:
    """What they had in flight is cut off by its own time limit when they go on, and
    tried again. So few events wait meanwhile that the receiver could take them at once.
    """
    async with sending(world, rate=30) as load:
        load.takes_over = TAKEN_OVER
        await load.warm()
        with load.outage():
            for name in world.workers:
                world.signal(name, signal.SIGSTOP)
            begun = time.monotonic()
            await load.lost(*world.workers)
            async with asyncio.timeout(NOTICED):
                while not _is_alarming(await world.readiness()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            noticed = time.monotonic() - begun
            for name in world.workers:
                world.signal(name, signal.SIGCONT)
        await load.more(100)
    assert noticed < NOTICED
    tell(1, await settled(load), f"noticed after {noticed:.0f} s")


def _is_alarming(said: dict[str, float]) -> bool:
    return said["workers"] == 0 and said["oldest_due_seconds"] >= 30


async def test_another_worker_takes_over_from_one_that_stands_still(
    world: World, tell: Tell
) -> None:
    for _ in range(2):
        async with sending(world) as load:
            load.takes_over = TAKEN_OVER
            await load.warm()
            world.signal("worker 1", signal.SIGSTOP)
            await load.lost("worker 1")
            await load.more(int(TAKEN_OVER * load.rate))
            world.signal("worker 1", signal.SIGCONT)
            await load.more(100)
        figures = await settled(load)
        assert figures.repeats <= figures.held
        tell(1, figures)
