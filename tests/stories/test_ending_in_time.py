"""Asked to end, a process does so before a platform kills it, whatever is lost."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from callboard.delivery.workers import bury
from tests.cast import Cast
from tests.copies import eventually, start_up
from tests.engine import TYPE, Engine
from tests.servers import free_port
from tests.ways import Way, way_to
from tests.worker import starting, worker_process

KILLED_AFTER = 30.0  # by a platform
KEPT = {name: os.environ[name] for name in ("SECRET_KEY", "ALLOW_DESTINATIONS")}

pytestmark = pytest.mark.timeout(120)


async def test_a_worker_says_how_many_calls_nobody_has_recorded(
    engine: Engine, redis_url: str
):
    """Database and Redis are gone for good. Another worker makes the call again."""
    await engine.webhook()
    gate = engine.receiver.close_gate("/")
    async with (
        way_to(redis_url) as redis,
        losing(engine, Way.cut) as (url, lose),
        starting(DATABASE_URL=url, REDIS_URL=redis.url) as worker,
    ):
        await engine.post()
        await engine.receiver.got(1)
        lose()
        redis.cut()
        worker.terminate()
        gate.set()
        async with asyncio.timeout(KILLED_AFTER):
            output, _ = await worker.communicate()
    assert "worker.cut_off unrecorded=1" in output.decode()
    await taken_over(engine)
    assert len(engine.receiver.calls) == 2


async def test_all_that_one_command_started_ends_while_the_database_stands_still(
    engine: Engine, cast: Cast, tmp_path: Path
):
    """The web process has a call to answer, the worker one to record."""
    await engine.webhook()
    gate = engine.receiver.close_gate("/")
    async with losing(engine, Way.stand_still) as (url, lose):
        run = start_up(tmp_path, free_port(), DATABASE_URL=url, **KEPT)
        try:
            await asyncio.to_thread(eventually, run.is_ready)
            await engine.post()
            await engine.receiver.got(1)
            lose()
            posting = asyncio.create_task(post(run.port, cast))
            await asyncio.wait([posting], timeout=1)  # until it waits for its answer
            gate.set()
            run.process.terminate()
            await asyncio.to_thread(run.process.wait, KILLED_AFTER)
        finally:
            run.process.kill()
    await asyncio.gather(posting, return_exceptions=True)
    assert "worker.cut_off unrecorded=1" in run.output()
    assert ("web.cut_off" in run.output()) == engine.is_postgres
    await taken_over(engine)
    assert len(engine.receiver.calls) == 2


async def post(port: int, cast: Cast) -> None:
    async with httpx.AsyncClient(headers=cast.alice.headers) as client:
        event = {"type": TYPE, "data": {}}
        url = f"http://127.0.0.1:{port}/api/v1/events"
        await client.post(url, json=event, timeout=KILLED_AFTER)


async def test_a_redis_that_stands_still_keeps_no_worker(
    engine: Engine, redis_url: str
):
    await engine.webhook()
    async with way_to(redis_url) as redis, worker_process(REDIS_URL=redis.url):
        await engine.post()
        await engine.settled()
        redis.stand_still()
    assert await engine.states() == ["delivered"]


async def test_a_worker_with_nothing_to_record_ends_well_without_its_database(
    engine: Engine,
):
    async with (
        losing(engine, Way.cut) as (url, lose),
        worker_process(DATABASE_URL=url) as worker,
    ):
        if engine.is_postgres:  # a lock keeps everybody waiting for a while
            lose()
    assert worker.returncode == 0
    await taken_over(engine)


@asynccontextmanager
async def losing(
    engine: Engine, how: Callable[[Way], None]
) -> AsyncIterator[tuple[str, Callable[[], object]]]:
    """The database's address for others, and what takes it away from them: SQLite's
    file is locked by somebody who never lets go."""
    url = os.environ["DATABASE_URL"]
    if engine.is_postgres:
        async with way_to(url) as way:
            yield way.url, partial(how, way)
        return
    other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
    try:
        yield url, partial(other.execute, "BEGIN IMMEDIATE")
    finally:
        other.close()


async def taken_over(engine: Engine) -> None:
    """By a worker that has seen the others end."""
    engine.receiver.usually.clear()
    for row in await engine.rows("SELECT id FROM worker"):
        await bury(row["id"], engine.runtime.clock())
    await engine.work()
