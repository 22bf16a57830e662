"""What is forgotten, and what is not although it is old."""

import asyncio
from contextvars import Context
from datetime import timedelta

import pytest

from callboard.database import writing
from callboard.delivery import by_hand, events
from callboard.errors import NotFound
from callboard.upkeep import retention
from tests.engine import KEEP, Engine


async def forgotten(engine: Engine) -> int:
    """When all that has come is too old."""
    return await retention.forget(KEEP, engine.runtime.clock() + KEEP + timedelta(1))


async def test_what_has_ended_is_forgotten_with_all_that_came_of_it(engine: Engine):
    await engine.webhook()
    await engine.post()
    await engine.work()
    assert await retention.forget(KEEP, engine.runtime.clock()) == 0
    assert await forgotten(engine) == 1
    for table in ("event", "delivery", "attempt"):
        assert await engine.rows(f"SELECT 1 FROM {table}") == []


async def test_an_event_stays_while_a_delivery_of_it_waits(engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    assert await forgotten(engine) == 0
    await engine.pause(webhook)
    assert await forgotten(engine) == 0
    async with engine.working():
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert await forgotten(engine) == 1


async def test_what_is_forgotten_cannot_be_sent(engine: Engine):
    webhook = await engine.webhook()
    receipt = await engine.post()
    await engine.work()
    await forgotten(engine)
    with pytest.raises(NotFound):
        await by_hand.send_event(engine.by, receipt.id, webhook)


async def test_an_event_that_is_being_sent_again_is_not_forgotten(engine: Engine):
    webhook = await engine.webhook()
    receipt = await engine.post()
    await engine.work()
    async with writing() as db:
        await events.keep(db, engine.account, [receipt.id])
        forgetting = asyncio.create_task(forgotten(engine), context=Context())
        await asyncio.wait([forgetting], timeout=0.2)
        await by_hand.send_event(engine.by, receipt.id, webhook)
    assert await forgetting == 0
    await engine.work()
    assert await engine.states() == ["delivered"] * 2


async def test_an_event_is_sent_again_or_forgotten_but_never_half(engine: Engine):
    webhook = await engine.webhook()
    receipts = [await engine.post() for _ in range(20)]
    await engine.work()
    sending = [
        by_hand.send_event(engine.by, receipt.id, webhook) for receipt in receipts
    ]
    gone, *sent = await asyncio.gather(
        forgotten(engine), *sending, return_exceptions=True
    )
    lost = [each for each in sent if isinstance(each, NotFound)]
    assert len(lost) == gone
    await engine.work()
    rows = await engine.rows(
        "SELECT 1 FROM delivery WHERE event NOT IN (SELECT id FROM event)"
    )
    assert rows == []
    assert len(await engine.states()) == 2 * (20 - len(lost))
