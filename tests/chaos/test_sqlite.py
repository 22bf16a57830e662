"""The file is locked by somebody else, or the disk is full."""

import asyncio
import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import Load, sending
from tests.chaos.proving import settled
from tests.chaos.report import Figures
from tests.chaos.world import World

ROUNDS = 5 if LONG else 1
FEW = 50 if LONG else 20
# Enough for the logs, but not for a database.
FULL = 128 * 1024
# Behind a transaction that waits in vain for 10 s, then in one's own.
ANSWERED = 25.0
NOTICED = 60.0

pytestmark = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") == "postgres", reason="this is about a file"
)


async def test_a_locked_database_refuses_and_goes_on(world: World, tell: Tell) -> None:
    """Locked until the first callers are told: longer than anybody waits for it."""
    for _ in range(ROUNDS):
        async with sending(world, rate=40) as load:
            await load.more(FEW)
            with load.outage(), locked(world):
                await load.refusals(2)
            await load.more(FEW)
        figures = await refused_without_a_trace(load)
        assert set(figures.refused) == {503}
        assert load.slowest_answer < ANSWERED
        tell(1, figures, f"answers within {load.slowest_answer:.0f} s")


@pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")
async def test_a_worker_that_stands_still_in_a_write_locks_the_file_until_it_ends(
    world: World, tell: Tell
) -> None:
    async with sending(world, rate=40) as load:
        await load.more(FEW)
        with load.outage():
            await _stop_in_a_write(world, "worker 1")
            try:
                await load.lost("worker 1")
                await load.refusals(2)
                await _missed(world)
            finally:
                world.kill("worker 1")
        world.start("worker 1")
        await world.started("worker 1")
        await load.more(FEW)
    figures = await settled(load)
    assert not set(load.refused[503]) & set(await world.ask("keys_stored"))
    assert set(figures.refused) == {503}
    assert figures.repeats <= figures.held
    assert load.slowest_answer < ANSWERED
    tell(1, figures, f"answers within {load.slowest_answer:.0f} s")


async def test_a_full_disk_refuses_and_goes_on(world: World, tell: Tell) -> None:
    async with sending(world) as load:
        for _ in range(ROUNDS):
            await load.more(FEW)
            with load.outage(), full_disk(world):
                await load.refusals(100)
            await load.more(FEW)
    figures = await refused_without_a_trace(load)
    assert set(figures.refused) == {503}
    tell(ROUNDS, figures)


async def _stop_in_a_write(world: World, name: str) -> None:
    async with asyncio.timeout(30):
        while True:
            world.signal(name, signal.SIGSTOP)
            with closing(sqlite3.connect(world.sqlite_path, timeout=1)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return
            world.signal(name, signal.SIGCONT)
            await asyncio.sleep(0.01)


async def _missed(world: World) -> None:
    async with asyncio.timeout(NOTICED):
        while (await world.readiness())["workers"]:  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(0.1)


@contextmanager
def locked(world: World) -> Iterator[None]:
    with closing(sqlite3.connect(world.sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def full_disk(world: World) -> Iterator[None]:
    """For our processes: no file may grow beyond a size that the database has."""
    limit = resource.RLIMIT_FSIZE
    pids = [process.pid for process in world.processes.values()]
    before = resource.getrlimit(limit)
    for pid in pids:
        resource.prlimit(pid, limit, (FULL, before[1]))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, limit, before)


async def refused_without_a_trace(load: Load) -> Figures:
    figures = await settled(load)
    assert not set(load.refused[503]) & set(await load.world.ask("keys_stored"))
    assert figures.repeats == 0
    return figures
