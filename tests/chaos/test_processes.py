"""Processes that are killed, and some that are asked to end."""

import pytest

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import sending, settled
from tests.chaos.world import World

ROUNDS = 14 if LONG else 2


async def test_a_worker_that_is_killed_again_and_again_loses_nothing(
    world: World, tell: Tell
) -> None:
    async with sending(world) as load:
        await load.warm()
        for _ in range(ROUNDS):
            await load.more(100)
            await load.kill_worker("worker 1")
            world.start("worker 1")
            await world.started("worker 1")
        await load.more(100)
    figures = await settled(load)
    assert figures.repeats <= figures.held
    tell(ROUNDS, figures)


@pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")
async def test_workers_that_are_all_killed_lose_nothing(
    world: World, tell: Tell
) -> None:
    for _ in range(4):
        async with sending(world) as load:
            await load.warm()
            with load.outage():
                for name in world.workers:
                    await load.kill_worker(name)
                await load.more(100)
                await world.heal()
            await load.more(100)
        figures = await settled(load)
        assert figures.repeats <= figures.held
        tell(2, figures)


async def test_a_web_process_that_is_killed_has_kept_what_it_accepted(
    world: World, tell: Tell
) -> None:
    rounds = ROUNDS // 2
    async with sending(world) as load:
        for _ in range(rounds):
            for name in world.web_ports:
                await load.more(100)
                world.kill(name)
                world.start(name)
                await world.started(name)
    figures = await settled(load)
    assert figures.repeats == 0
    tell(2 * rounds, figures)


async def test_a_deploy_repeats_nothing(world: World, tell: Tell) -> None:
    rounds = ROUNDS // 2
    async with sending(world) as load:
        for _ in range(rounds):
            for name in world.workers:
                await load.more(100)
                assert await world.end(name) == 0
                world.start(name)
                await world.started(name)
        await load.more(100)
    figures = await settled(load)
    assert figures.repeats == 0
    tell(2 * rounds, figures)
