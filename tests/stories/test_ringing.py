"""An event wakes a sleeping worker, through Redis and arq."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callboard import queue
from callboard.delivery import rhythm
from callboard.delivery.workers import Watch, bury
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine, cancelled
from tests.posting import postman
from workers.jobs import Jobs
from workers.settings import make_worker

NEVER = 3600.0


@pytest.fixture(autouse=True)
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pump looks by itself, nor for a while after it was rung; each ring counts."""
    monkeypatch.setattr(rhythm, "ALONE", NEVER)
    monkeypatch.setattr(rhythm, "_KEEPS_LOOKING", 0)
    monkeypatch.setattr(queue, "_RING_AGAIN", 0.001)


@asynccontextmanager
async def listening(engine: Engine, worker: str, outbox: Path) -> AsyncIterator[None]:
    """A pump that hears what its arq worker hears, and nothing else."""
    runtime = engine.runtime
    pump = engine.pump(worker)
    await Watch(worker, pump.hosts).beat(runtime.clock())
    mails = postman(engine, None, outbox, worker=worker)
    jobs = Jobs(pump, mails, runtime.queue, runtime.clock)
    arq = make_worker(runtime.settings.redis_url, jobs)
    pumping = asyncio.create_task(pump.run())
    hearing = asyncio.create_task(arq.async_run())
    try:
        yield
    finally:
        await pump.stop(1)
        await pumping
        await cancelled(hearing)
        await arq.pool.aclose(close_connection_pool=True)
        await bury(worker, runtime.clock())


async def test_each_event_is_delivered_although_nobody_looks(
    engine: Engine, tmp_path: Path
):
    await engine.webhook()
    engine.acceptor = engine.runtime.acceptor
    async with listening(engine, "wrk_a", tmp_path):
        for number in range(4):
            await engine.post_all([NewEvent(TYPE, b"%d" % number)])
            await engine.receiver.got(number + 1)
            await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [0, 1, 2, 3]
