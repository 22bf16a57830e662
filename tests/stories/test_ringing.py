"""An event wakes a sleeping worker, through Redis and arq."""

from math import inf
from pathlib import Path
from time import monotonic

import pytest
from redis.asyncio import Redis

from callboard import queue
from callboard.delivery import rhythm
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine, eventually
from tests.hearing import hearing

NEVER = 3600.0


@pytest.fixture(autouse=True)
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pump looks by itself, nor for a while after it was rung; each ring counts."""
    monkeypatch.setattr(rhythm, "ALONE", NEVER)
    monkeypatch.setattr(rhythm, "_KEEPS_LOOKING", 0)
    monkeypatch.setattr(queue, "_RING_AGAIN", 0.001)


@pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's
async def test_each_event_is_delivered_although_nobody_looks(
    engine: Engine, tmp_path: Path
):
    await engine.webhook()
    engine.acceptor = engine.runtime.acceptor
    async with hearing(engine, tmp_path):
        for number in range(4):
            await engine.post_all([NewEvent(TYPE, b"%d" % number)])
            await engine.receiver.got(number + 1)
            await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [0, 1, 2, 3]


@pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's
async def test_redis_is_asked_less_often_while_the_pump_looks_by_itself(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rhythm, "_KEEPS_LOOKING", inf)
    async with (
        hearing(engine, tmp_path),
        Redis.from_url(engine.runtime.settings.redis_url) as redis,
    ):
        await asked(redis, 1)
        begun = monotonic()
        await asked(redis, 5)
        assert monotonic() - begun > 4 * 5 * 0.02


async def asked(redis: Redis, more: int) -> None:
    """Waits for so many questions of what there is to do."""

    async def count() -> int:
        asked = await redis.info("commandstats")
        return int(asked.get("cmdstat_zrangebyscore", {}).get("calls", 0))

    until = await count() + more

    async def met() -> bool:
        return await count() >= until

    await eventually(met)
