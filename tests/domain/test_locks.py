"""Whoever changes deliveries holds their webhook's turn first, and looks then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import timedelta
from typing import Any

import pytest

from callboard.database import Database, writing
from callboard.delivery import buckets, freeing, ledger
from callboard.delivery.ledger import Claimed
from callboard.delivery.locks import lock_turn
from callboard.delivery.states import Lane
from callboard.schedule import Schedule
from tests.days import Days, arrays
from tests.engine import Engine, eventually


@pytest.fixture(autouse=True)
def only_postgres(engine: Engine) -> None:
    if not engine.is_postgres:
        pytest.skip("SQLite has one writer")


@asynccontextmanager
async def behind_a_lock(
    webhook: str, act: Callable[[Database], Awaitable[Any]]
) -> AsyncIterator[tuple[Database, "asyncio.Task[Any]"]]:
    """It waits for us until our transaction ends."""

    async def acting() -> Any:
        async with writing() as own:
            return await act(own)

    async with writing() as db:

        async def waits() -> bool:
            return bool(await db.fetch("SELECT 1 FROM pg_locks WHERE NOT granted"))

        await lock_turn(db, webhook)
        task = asyncio.create_task(acting(), context=Context())
        await eventually(waits)
        yield db, task


async def claim(engine: Engine, lease: str) -> list[Claimed]:
    async with writing() as db:
        now = engine.runtime.clock()
        return await ledger.claim(db, Lane.UNTRIED, 5, lease, now)


async def test_a_lease_that_changes_hands_meanwhile_is_not_freed(engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    assert len(await claim(engine, "wrk_dead/1")) == 1
    now = engine.runtime.clock()

    async def free(db: Database) -> int:
        return await freeing.free(db, "wrk_dead", now)

    async with behind_a_lock(webhook, free) as (db, freed):
        await db.fetch("UPDATE delivery SET lease = 'wrk_b/1'")
    assert await freed == 0
    (row,) = await engine.rows("SELECT leased FROM turn")
    assert row["leased"] == 1
    async with writing() as db:
        assert await freeing.free(db, "wrk_b", now) == 1
    await engine.work()


async def test_a_member_that_somebody_takes_meanwhile_does_not_ride(days: Days):
    webhook = await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    async with writing() as db:
        (lead,) = await ledger.claim(db, Lane.UNTRIED, 5, "wrk_a/1", days.now)

    async def board(db: Database) -> list[Claimed]:
        return await buckets.board(db, lead)

    async with behind_a_lock(webhook, board) as (db, boarded):
        await db.fetch(
            "UPDATE delivery SET state = 'cancelled', reason = 'by a test',"
            " finished_at = :now WHERE seq = 2",
            now=days.now,
        )
    assert [each.seq for each in await boarded] == [1, 3]
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", days.now) == 2
    await days.work()
    assert arrays(days.calls()) == [[0, 2]]
