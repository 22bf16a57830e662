"""Webhooks that are stopped and started while events come in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from callboard.database import writing
from callboard.delivery import following
from tests.engine import TYPE, Engine, eventually


async def test_changes_of_state_beside_a_stream_of_posts_lose_nothing(engine: Engine):
    """Every receipt that names the webhook has its delivery, and all arrive."""
    webhook = await engine.webhook(concurrency=50)
    named: list[str] = []

    async def pour() -> None:
        for number in range(150):
            receipt = await engine.post(b"%d" % number)
            named.extend([receipt.id] * receipt.deliveries)
            await asyncio.sleep(0)

    async with engine.working("wrk_a", "wrk_b"):
        pouring = [asyncio.create_task(pour()) for _ in range(3)]
        for _ in range(6):
            await engine.pause(webhook)
            await asyncio.sleep(0.02)
            await engine.activate(webhook, "deliver")
            await asyncio.sleep(0.02)
        await asyncio.gather(*pouring)
        await engine.settled()
    assert set(await engine.states()) == {"delivered"}
    assert sorted(call.id for call in engine.receiver.calls) == sorted(named)


@asynccontextmanager
async def accepting_meanwhile(engine: Engine) -> AsyncIterator[None]:
    """An event's transaction begins before the body and ends after it, where the
    engine knows more than one at a time."""
    locked, go = asyncio.Event(), asyncio.Event()

    async def block() -> None:
        """Whoever accepts the same key waits until this is rolled back."""
        async with writing() as db:
            await db.fetch(
                """
                INSERT INTO event (id, account, key, type, data, context, occurred_at,
                    accepted_at, deliveries)
                VALUES ('evt_x', :account, 'k', :type, '1', '[]', :now, :now, 0)
                """,
                account=engine.account,
                type=TYPE,
                now=engine.runtime.clock(),
            )
            locked.set()
            await go.wait()
            raise ZeroDivisionError

    if not engine.is_postgres:
        await engine.post(b"1", key="k")
        yield
        return
    blocking = asyncio.create_task(block())
    await locked.wait()
    accepting = asyncio.create_task(engine.post(b"1", key="k"))
    await asyncio.wait([accepting], timeout=0.2)
    yield
    go.set()
    await accepting
    with pytest.raises(ZeroDivisionError):
        await blocking


async def follow_all(engine: Engine) -> None:
    async with writing() as db:
        for webhook in await following.webhooks(db):
            await following.follow(db, webhook, engine.runtime.clock())


async def test_an_event_accepted_beside_a_pause_is_held_in_the_end(engine: Engine):
    webhook = await engine.webhook()
    await engine.post(b"0")
    async with accepting_meanwhile(engine):
        await engine.pause(webhook)
        await follow_all(engine)

    async def held() -> bool:
        return await engine.states() == ["held", "held"]

    async with engine.working():
        await eventually(held)
    assert await engine.states() == ["held", "held"]


async def test_an_event_accepted_beside_a_deletion_is_cancelled_in_the_end(
    engine: Engine,
):
    webhook = await engine.webhook()
    await engine.post(b"0")
    async with accepting_meanwhile(engine):
        await engine.delete(webhook)
        await follow_all(engine)

    async def cancelled() -> bool:
        return await engine.states() == ["cancelled", "cancelled"]

    async with engine.working():
        await eventually(cancelled)
    assert await engine.states() == ["cancelled", "cancelled"]


async def test_an_event_accepted_beside_an_activation_is_delivered_in_the_end(
    engine: Engine,
):
    webhook = await engine.webhook()
    await engine.pause(webhook)
    await engine.post(b"0")
    async with accepting_meanwhile(engine):
        await engine.activate(webhook, "deliver")
        await follow_all(engine)

    async def delivered() -> bool:
        return await engine.states() == ["delivered", "delivered"]

    async with engine.working():
        await eventually(delivered)
    assert await engine.states() == ["delivered", "delivered"]
