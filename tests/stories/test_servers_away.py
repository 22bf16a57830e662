"""Database and Redis may go away under several workers."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from redis.asyncio import Redis

from callboard import database
from callboard.errors import Unavailable
from callboard.ingest import Acceptor, Receipt
from callboard.queue import open_queue
from tests.engine import Engine, cancelled, eventually
from tests.worker import worker_process

NOWHERE = "redis://127.0.0.1:1/0"


class TestServersThatGoAway:
    async def test_nothing_is_lost_while_the_database_is_away(self, engine: Engine):
        await engine.webhook(concurrency=20)
        gate = engine.receiver.close_gate("/")
        refused = 0
        accepted: list[Receipt] = []
        async with engine.working():
            accepted.append(await engine.post(key="before"))
            await engine.receiver.got(1)
            async with database_away(engine):
                engine.receiver.usually.clear()
                gate.set()
                while refused < 3:
                    try:
                        accepted.append(await engine.post(key=f"k{refused}"))
                    except Unavailable:
                        refused += 1
            await eventually(lambda: taken(engine, accepted))
            await engine.settled()
        got = {call.id for call in engine.receiver.calls}
        assert {receipt.id for receipt in accepted} <= got
        rows = await engine.rows("SELECT id FROM event")
        assert got == {row["id"] for row in rows}
        assert len(engine.receiver.calls) == len(got)

    async def test_without_redis_events_are_taken_and_delivered(self, engine: Engine):
        await engine.webhook()
        queue = open_queue(NOWHERE)
        try:
            assert not await queue.ping()
            engine.acceptor = Acceptor(queue.ring)
            async with engine.working():
                for number in range(5):
                    await engine.post(b"%d" % number)
                await engine.settled()
        finally:
            await queue.close()
        assert len(engine.receiver.calls) == 5

    async def test_without_redis_a_worker_process_delivers_and_stops(
        self, engine: Engine
    ):
        await engine.webhook()
        async with worker_process(REDIS_URL=NOWHERE):
            for number in range(3):
                await engine.post(b"%d" % number)
                await engine.receiver.got(number + 1)
            await engine.settled()
        assert await engine.states() == ["delivered"] * 3

    async def test_an_emptied_redis_is_no_matter(self, engine: Engine):
        await engine.webhook()
        engine.acceptor = engine.runtime.acceptor  # it rings through Redis
        redis = Redis.from_url(engine.runtime.settings.redis_url)
        async with worker_process():
            for number in range(4):
                await engine.post(b"%d" % number)
                await engine.receiver.got(number + 1)
                await redis.flushall()
            await engine.settled()
        await redis.aclose()
        assert await engine.states() == ["delivered"] * 4

    async def test_two_worker_processes_share_the_work(self, engine: Engine):
        await engine.webhook(concurrency=50)
        async with worker_process(), worker_process():
            for number in range(100):
                await engine.post(b"%d" % number)
            await engine.receiver.got(100)
            await engine.settled()
        assert sorted(call.data for call in engine.receiver.calls) == [*range(100)]


async def taken(engine: Engine, accepted: list[Receipt]) -> bool:
    """A connection that was ended refuses one event more, when it is used again."""
    try:
        accepted.append(await engine.post(key="after"))
    except Unavailable:
        return False
    return True


@asynccontextmanager
async def database_away(engine: Engine) -> AsyncIterator[None]:
    away = connections_killed if engine.is_postgres else file_locked
    async with away():
        yield


@asynccontextmanager
async def connections_killed() -> AsyncIterator[None]:
    """All but our own, as often as they come back."""
    killer = await asyncpg.connect(os.environ["DATABASE_URL"])

    async def kill() -> None:
        while True:
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid != pg_backend_pid() AND backend_type = 'client backend'"
            )
            await asyncio.sleep(0.001)

    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        await cancelled(killing)
        await killer.close()


@asynccontextmanager
async def file_locked() -> AsyncIterator[None]:
    """By another process that writes, for longer than we have patience."""
    found: Any = database.engine()
    async with found.writer() as connection:
        await connection.execute("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(found.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
