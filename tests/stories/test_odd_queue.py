"""Whatever somebody has left in Redis, deliveries go on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from callboard.queue import QUEUE_NAME
from tests.engine import Engine
from tests.receiver import WITHIN
from tests.worker import worker_process


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (lambda redis: redis.zadd(QUEUE_NAME, {b"\xff": 1}), b"UnicodeDecodeError"),
        (lambda redis: redis.set(QUEUE_NAME, "x"), b"ResponseError"),
    ],
    ids=["an id that is no text", "something else instead of the queue"],
)
async def test_a_worker_delivers_although_it_cannot_read_the_queue(
    engine: Engine, leave: Callable[[Redis], Any], said: bytes
):
    await engine.webhook()
    async with Redis.from_url(engine.runtime.settings.redis_url) as redis:
        await leave(redis)
        async with worker_process() as worker, asyncio.timeout(WITHIN):
            assert worker.stdout
            await worker.stdout.readuntil(said)
            await engine.post()
            await engine.receiver.got(1)
            await engine.settled()
    assert await engine.states() == ["delivered"]
