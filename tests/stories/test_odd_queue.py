"""Whatever somebody has left in Redis, deliveries go on, and rings are heard again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from callboard import queue
from callboard.delivery import rhythm
from callboard.ingest import NewEvent
from callboard.queue import QUEUE_NAME
from tests.engine import TYPE, Engine, cancelled, eventually
from tests.hearing import hearing
from tests.posting import postman
from tests.receiver import WITHIN
from tests.worker import worker_process
from workers import listening
from workers.jobs import Jobs

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's
NEVER = 3600.0
RINGS = [f"wake:{turn}" for turn in range(10)]
Leave = Callable[[Redis], Any]
ODD: dict[str, Leave] = {
    "an id that is no text": lambda redis: redis.zadd(QUEUE_NAME, {b"\xff": 1}),
    "a time that is no number": lambda redis: redis.zadd(QUEUE_NAME, {"a": "-inf"}),
    "something else instead of the queue": lambda redis: redis.set(QUEUE_NAME, "x"),
    "sets instead of rings": lambda redis: sets(redis, "arq:job:", RINGS),
    "sets instead of counts of tries": lambda redis: sets(redis, "arq:retry:", RINGS),
    "a text instead of what is cancelled": lambda redis: redis.set("arq:abort", "x"),
    "a job that is no function's": lambda redis: job(
        redis, {"f": [], "a": [], "k": {}, "t": None, "et": 0}
    ),
}


async def sets(redis: Redis, prefix: str, ids: Sequence[str]) -> None:
    for id in ids:
        await redis.zadd(prefix + id, {b"\xff": 1})
        await redis.zadd(QUEUE_NAME, {id: 1})


async def job(redis: Redis, what: object) -> None:
    for id in RINGS:
        await redis.set(f"arq:job:{id}", queue.encode(what))
        await redis.zadd(QUEUE_NAME, {id: 1})


@asynccontextmanager
async def redis_of(engine: Engine) -> AsyncIterator[Redis]:
    async with Redis.from_url(engine.runtime.settings.redis_url) as redis:
        yield redis
        await redis.flushdb()


@pytest.mark.parametrize("leave", ODD.values(), ids=ODD)
async def test_a_ring_is_heard_again_soon(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leave: Leave
):
    monkeypatch.setattr(rhythm, "ALONE", NEVER)  # no pump looks by itself
    monkeypatch.setattr(queue, "_RING_AGAIN", 0.001)
    await engine.webhook()
    engine.acceptor = engine.runtime.acceptor
    async with redis_of(engine) as redis, hearing(engine, tmp_path):
        await leave(redis)
        await engine.post_all([NewEvent(TYPE, b"{}")])
        await eventually(lambda: rung_and_sent(engine))
        await engine.settled()
    assert await engine.states() == ["delivered"]


async def rung_and_sent(engine: Engine) -> bool:
    engine.runtime.queue.ring()
    return bool(engine.receiver.calls)


async def test_a_worker_says_once_what_it_cannot_read_and_takes_it_out(
    engine: Engine,
):
    await engine.webhook()
    async with redis_of(engine) as redis:
        await redis.set(QUEUE_NAME, "x")
        async with worker_process() as worker, asyncio.timeout(WITHIN):
            assert worker.stdout
            said = await worker.stdout.readuntil(b"queue.cleared")
            await engine.post()
            await engine.receiver.got(1)
            await engine.settled()
            assert await redis.type(QUEUE_NAME) in (b"none", b"zset")
    assert said.count(b"redis.unreadable error=ResponseError") == 1
    assert await engine.states() == ["delivered"]


async def test_that_redis_is_away_is_said_once(
    engine: Engine,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(listening, "_AGAIN", 0.01)
    pump = engine.pump()
    jobs = Jobs(
        pump,
        postman(engine, None, tmp_path),
        engine.runtime.queue,
        engine.runtime.clock,
    )
    calls: list[asyncio.StreamWriter] = []
    async with hanging_up(calls) as url:
        tried = asyncio.create_task(listening.listen(url, jobs))
        await eventually(lambda: has(calls, 5))
        await cancelled(tried)
    said = [record.msg for record in caplog.records]
    assert said.count("redis.away") == 1
    assert "queue.cleared" not in said


@asynccontextmanager
async def hanging_up(calls: list[asyncio.StreamWriter]) -> AsyncIterator[str]:
    """On everybody who calls."""

    def hang_up(_: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        calls.append(caller)
        caller.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def has(calls: Sequence[object], count: int) -> bool:
    return len(calls) >= count
