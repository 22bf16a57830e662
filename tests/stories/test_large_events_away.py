"""Large events whose database goes away just as their data is read."""

import asyncio
import os
from pathlib import Path

import pytest

from callboard.delivery.workers import Watch, bury
from callboard.dispatch import Pump
from tests.engine import Engine, eventually
from tests.ways import Way, way_to
from tests.worker import worker_process

MARK = "just this text"
LARGE = ('{"a":"%s"}' % (MARK + "x" * 20_000)).encode()
ASKED, TOLD = "SELECT data FROM delivery", MARK
TAKEN_OVER = 40.0  # 10 s of silence, on a busy machine

pytestmark = pytest.mark.timeout(120)
on_postgres = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") != "postgres", reason="there is no way to a file"
)
on_sqlite = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") == "postgres", reason="there is no file to move"
)


@on_postgres
@pytest.mark.parametrize("text", [ASKED, TOLD])
async def test_it_is_called_once_when_the_connections_are_good_again(
    engine: Engine, text: str
):
    await engine.webhook()
    async with (
        way_to(os.environ["DATABASE_URL"]) as way,
        worker_process(DATABASE_URL=way.url),
    ):
        way.at(text, Way.hang_up)
        await engine.post(LARGE)
        await eventually(lambda: acted(way))
        await engine.receiver.got(1)
        await engine.settled()
    (call,) = engine.receiver.calls
    assert LARGE in call.body
    assert await attempts(engine) == 1


@on_postgres
@pytest.mark.parametrize("text", [ASKED, TOLD])
async def test_what_is_told_too_late_is_another_workers_by_now(
    engine: Engine, text: str
):
    """The database answers again when that one has made the call."""
    await engine.webhook()
    async with (
        way_to(os.environ["DATABASE_URL"]) as way,
        worker_process(DATABASE_URL=way.url),
    ):
        way.at(text, Way.stand_still)
        await engine.post(LARGE)
        await eventually(lambda: acted(way))
        async with worker_process(), asyncio.timeout(TAKEN_OVER):
            while not engine.receiver.calls:  # noqa: ASYNC110  for longer than `got`
                await asyncio.sleep(0.1)
            await engine.settled()
        way.move_on()
    assert len(engine.receiver.calls) == 1
    assert await attempts(engine) == 1


@on_sqlite
async def test_it_is_called_once_when_the_file_is_back(engine: Engine):
    await engine.webhook()
    pump = engine.pump()
    await Watch("wrk_a", pump.hosts).beat(engine.runtime.clock())
    await engine.post(LARGE)
    await pump.look()
    file = Path(engine.runtime.settings.sqlite_path)
    aside = file.rename(f"{file}.aside")  # noqa: ASYNC240  before the call begins
    await eventually(lambda: landed(pump))
    aside.rename(file)
    assert engine.receiver.calls == []
    for _ in range(2):
        await pump.look()
        await eventually(lambda: landed(pump))
    await pump.look()
    assert len(engine.receiver.calls) == 1
    assert await engine.states() == ["delivered"]
    await bury("wrk_a", engine.runtime.clock())


async def attempts(engine: Engine) -> int:
    return len(await engine.rows("SELECT 1 FROM attempt"))


async def acted(way: Way) -> bool:
    return way.has_acted


async def landed(pump: Pump) -> bool:
    return not pump.in_flight
