"""Processes that are killed, and some that are asked to end."""

import random
from collections.abc import Callable

from tests.chaos.conftest import LONG
from tests.chaos.load import sending, settled
from tests.chaos.world import World

Tell = Callable[[object], None]


async def test_workers_that_are_killed_lose_nothing(world: World, tell: Tell) -> None:
    rounds = 15 if LONG else 2
    async with sending(world) as load:
        for _ in range(rounds):
            name = random.choice(world.workers)
            await load.more(150)
            await load.kill_worker(name)
            world.start(name)
            await world.started(name)
        await load.more(300)
    tell(f"{rounds} rounds, {await settled(load)}")


async def test_a_web_process_that_is_killed_has_kept_what_it_accepted(
    world: World, tell: Tell
) -> None:
    rounds = 15 if LONG else 2
    async with sending(world) as load:
        for _ in range(rounds):
            name = random.choice(list(world.web_ports))
            await load.more(150)
            world.kill(name)
            world.start(name)
            await world.started(name)
        await load.more(150)
    tell(f"{rounds} rounds, {await settled(load)}")


async def test_a_deploy_repeats_nothing(world: World, tell: Tell) -> None:
    rounds = 15 if LONG else 2
    async with sending(world) as load:
        for _ in range(rounds):
            for name in world.workers:
                await load.more(75)
                assert await world.end(name) == 0
                world.start(name)
                await world.started(name)
        await load.more(75)
    figures = await settled(load)
    assert figures.repeats == 0
    tell(f"{rounds} rounds, {figures}")
