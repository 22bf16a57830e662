"""Processes that are killed, and some that are asked to end."""

import signal

import pytest

from tests.chaos.conftest import LONG, SOME, Tell
from tests.chaos.load import sending
from tests.chaos.proving import settled
from tests.chaos.world import World

ROUNDS = 14 if LONG else 2
# So long a beat may stand still, and so long it then takes until all is taken over.
SILENT, ELSEWHERE = 9.0, 15.0


async def test_a_worker_and_a_web_killed_together_again_and_again_lose_nothing(
    world: World, tell: Tell
) -> None:
    async with sending(world) as load:
        await load.warm()
        for web in [*world.web_ports] * (ROUNDS // 2):
            await load.more(SOME)
            await load.kill_worker("worker 1")
            world.kill(web)
            await world.heal()
        await load.more(SOME)
    figures = await settled(load)
    assert figures.repeats <= figures.held
    tell(2 * ROUNDS, figures)


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
                await load.more(SOME)
                await world.heal()
            await load.more(SOME)
        figures = await settled(load)
        assert figures.repeats <= figures.held
        tell(2, figures)


@pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")
async def test_a_worker_that_is_killed_on_another_machine_is_missed(
    world: World, tell: Tell
) -> None:
    """It shares the database with the others and no directory: only its beat tells."""
    await world.end("worker 1")
    elsewhere = str(world.directory / "elsewhere")
    world.start("worker 1", DATA_DIR=elsewhere)
    await world.started("worker 1")
    async with sending(world) as load:
        load.takes_over = ELSEWHERE
        await load.warm()
        await load.kill_worker("worker 1")
        await load.more(int(ELSEWHERE * load.rate))
    world.start("worker 1")
    await world.started("worker 1")
    figures = await settled(load)
    assert SILENT < (figures.taken_over or 0) < ELSEWHERE
    assert figures.repeats <= figures.held
    tell(1, figures)


async def test_a_deploy_repeats_nothing(world: World, tell: Tell) -> None:
    async with sending(world) as load:
        for name in world.workers * (ROUNDS // 2):
            await world.heal()
            await load.more(SOME)
            assert await world.end(name) == 0
            world.start(name)
        await load.more(SOME)
        await world.heal()
    figures = await settled(load)
    assert figures.repeats == 0
    tell(ROUNDS, figures)


@pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")
async def test_a_web_process_that_is_asked_to_end_answers_what_it_has_taken(
    world: World, tell: Tell
) -> None:
    """Connections that it closes had nothing on them yet."""
    async with sending(world) as load:
        for name in [*world.web_ports] * 3:
            await world.heal()
            await load.more(SOME)
            assert await world.end(name) in (0, -signal.SIGTERM)
            world.start(name)
        await load.more(SOME)
        await world.heal()
    figures = await settled(load)
    unanswered = {key for keys in load.refused.values() for key in keys}
    assert not unanswered & set(await world.ask("keys_stored"))
    assert not [status for status in load.refused if isinstance(status, int)]
    assert figures.repeats == 0
    tell(6, figures)
