"""Drafts, pauses and deletions: who gets no call, and what becomes of what waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callboard.database import writing
from callboard.errors import Conflict, NotFound
from callboard.ingest import Acceptor, NewEvent
from callboard.webhooks import lifecycle, webhooks
from tests.engine import TYPE, Engine, eventually


async def test_a_draft_calls_nobody_until_it_is_activated(engine: Engine):
    webhook = await engine.webhook(active=False)
    async with engine.working():
        before = await engine.post(b"1")
        await engine.activate(webhook)
        after = await engine.post(b"2")
        await engine.settled()
    assert (before.deliveries, after.deliveries) == (0, 1)
    assert [call.data for call in engine.receiver.calls] == [2]


async def test_a_webhook_activated_before_the_post_never_misses_the_event(
    engine: Engine,
):
    """Each web process has compiled the account for itself, and has to notice."""
    processes = [Acceptor(engine.ring) for _ in range(2)]
    now = engine.runtime.clock

    async def post(process: Acceptor) -> int:
        event = NewEvent(TYPE, b"{}")
        (receipt,) = await process.accept(engine.account, [event], now())
        return receipt.deliveries

    for wanted in range(1, 4):
        await engine.webhook(f"/{wanted}")
        assert [await post(each) for each in processes] == [wanted, wanted]
    await engine.work()


async def test_a_paused_webhook_gets_nothing_and_its_events_are_held(engine: Engine):
    webhook = await engine.webhook()
    async with engine.working():
        await engine.post(b"1")
        await engine.settled()
        await engine.pause(webhook)
        receipts = [await engine.post(b"%d" % number) for number in (2, 3)]
        await engine.followed()
    assert [receipt.deliveries for receipt in receipts] == [1, 1]
    assert await engine.states() == ["delivered", "held", "held"]
    assert [call.data for call in engine.receiver.calls] == [1]


async def test_what_waits_for_its_next_try_is_held_by_a_pause(engine: Engine):
    webhook = await engine.webhook(schedule=(3600,))
    engine.receiver.script("/", 500)
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1)
        await eventually(lambda: no_lease(engine))
        await engine.pause(webhook)
        await engine.followed()
        assert await engine.states() == ["held"]
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert await engine.states() == ["delivered"]


async def no_lease(engine: Engine) -> bool:
    return not await engine.rows("SELECT 1 FROM delivery WHERE lease IS NOT NULL")


async def test_a_deactivated_webhook_holds_too(engine: Engine):
    webhook = await engine.webhook()
    await lifecycle.deactivate(engine.by, webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["held"]
    assert await engine.state(webhook) == "deactivated"


async def test_deactivating_what_was_paused_just_now_holds_what_waits(engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    await engine.pause(webhook)
    await lifecycle.deactivate(engine.by, webhook)
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["held"]


async def test_a_draft_cannot_be_stopped(engine: Engine):
    webhook = await engine.webhook(active=False)
    with pytest.raises(Conflict):
        await engine.pause(webhook)


async def test_deleting_cancels_what_waits_and_no_call_follows(engine: Engine):
    webhook = await engine.webhook("/gone", schedule=(1,))
    other = await engine.webhook("/stays")
    gate = engine.receiver.close_gate("/gone")
    async with engine.working():
        for number in range(3):
            await engine.post(b"%d" % number)
        await engine.receiver.got(1, "/gone")
        await engine.delete(webhook)
        engine.receiver.script("/gone", 500)
        gate.set()
        await engine.post(b"3")
        await engine.followed()
        await engine.settled()
    calls = len(engine.receiver.at("/gone"))
    states = await engine.states(webhook)
    assert states.count("delivered") == calls
    assert states.count("cancelled") == 3 - calls
    assert await engine.states(other) == ["delivered"] * 4
    with pytest.raises(NotFound):
        await webhooks.get(engine.account, webhook)


async def test_a_deleted_webhooks_call_under_way_is_not_tried_again(engine: Engine):
    webhook = await engine.webhook(schedule=(1,))
    gate = engine.receiver.close_gate("/")
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1)
        await engine.delete(webhook)
        engine.receiver.hang_up("/")
        gate.set()
        await engine.followed()
    assert await engine.states() == ["cancelled"]
    assert len(engine.receiver.calls) == 1


@pytest.mark.parametrize(
    ("stop", "hold_days", "succeeded"),
    [
        pytest.param(Engine.delete, 4, False, id="deleted"),
        pytest.param(Engine.pause, 0, False, id="nothing is kept"),
        pytest.param(Engine.pause, 4, True, id="its receiver answered well since"),
    ],
)
async def test_what_failed_stays_so_where_nobody_will_want_it(
    engine: Engine,
    stop: Callable[[Engine, str], Awaitable[None]],
    hold_days: int,
    succeeded: bool,
):
    """It was to be held, for its webhook was to be deactivated."""
    webhook = await engine.webhook(schedule=(), hold_days=hold_days)
    engine.receiver.script("/", 503)
    await engine.post()
    await engine.work()
    async with writing() as db:
        await db.fetch(
            "UPDATE turn SET salvages_from = 1, salvages_after = :after",
            after=engine.runtime.clock() if succeeded else None,
        )
    await stop(engine, webhook)
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["failed"]


async def test_many_webhooks_follow_at_once_whoever_is_busy(engine: Engine):
    """One with a call that hangs keeps nobody waiting."""
    made = [await engine.webhook(f"/{number}") for number in range(8)]
    gate = engine.receiver.close_gate("/0")
    async with engine.working():
        await engine.post(b"1")
        await engine.receiver.got(8)
        for webhook in made:
            await engine.pause(webhook)
        await engine.post(b"2")
        for webhook in made[1:]:
            await engine.activate(webhook, "deliver")
        begun = asyncio.get_running_loop().time()
        await engine.receiver.got(15)
        assert asyncio.get_running_loop().time() - begun < 6
        gate.set()
        await engine.followed()
    assert len(engine.receiver.at("/0")) == 1
