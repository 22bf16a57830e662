"""What was held: delivered, discarded, or kept too long."""

import asyncio
from datetime import timedelta

import pytest

from callboard.database import writing
from callboard.delivery import acts, ledger
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import DeliveryState
from callboard.delivery.workers import Watch, bury
from callboard.errors import Invalid
from callboard.upkeep import sweep
from tests.engine import KEEP, Engine, cancelled, eventually
from tests.receiver import Answer


@pytest.mark.parametrize("ordered", [False, True])
async def test_activating_delivers_what_was_held_in_order(
    engine: Engine, ordered: bool
):
    webhook = await engine.webhook(concurrency=1, ordered=ordered)
    await engine.pause(webhook)
    for number in range(20):
        await engine.post(b"%d" % number)
    async with engine.working():
        await engine.activate(webhook, "deliver")
        if ordered:
            await engine.post(b"20")
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [*range(20 + ordered)]


async def test_activating_may_discard_what_was_held(engine: Engine):
    webhook = await engine.webhook()
    await engine.pause(webhook)
    await engine.post(b"1")
    async with engine.working():
        await engine.followed()
        await engine.activate(webhook, "discard")
        await engine.followed()
        await engine.post(b"2")
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [2]
    assert await engine.states() == ["cancelled", "delivered"]
    (row,) = await engine.rows("SELECT reason FROM delivery WHERE state = 'cancelled'")
    assert row["reason"] == "discarded"


async def test_discarding_right_after_a_pause_needs_no_second_try(engine: Engine):
    """Nothing is held yet; a call under way is not made again either."""
    webhook = await engine.webhook(concurrency=1)
    gate = asyncio.Event()
    engine.receiver.script("/", Answer(500, gate=gate))
    async with engine.working():
        for number in range(3):
            await engine.post(b"%d" % number)
        await engine.receiver.got(1)
        await engine.pause(webhook)
        await engine.activate(webhook, "discard")
        await engine.post(b"3")
        gate.set()
        await engine.receiver.got(2)
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [0, 3]
    assert await engine.states() == ["cancelled"] * 3 + ["delivered"]


async def test_what_came_between_a_discard_and_a_pause_is_held(engine: Engine):
    webhook = await engine.webhook()
    await engine.post(b"1")
    await engine.pause(webhook)
    await engine.activate(webhook, "discard")
    await engine.post(b"2")
    await engine.pause(webhook)
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["cancelled", "held"]


async def test_activating_without_a_choice_is_refused_while_anything_is_held(
    engine: Engine,
):
    webhook = await engine.webhook()
    await engine.pause(webhook)
    await engine.activate(webhook)
    await engine.pause(webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
        with pytest.raises(Invalid) as refused:
            await engine.activate(webhook)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("held", "required")
    assert await engine.state(webhook) == "paused"
    assert await engine.states() == ["held"]


async def test_what_was_discarded_stays_so_whatever_comes_next(engine: Engine):
    """A pause right after it must not bring it back."""
    webhook = await engine.webhook()
    await engine.pause(webhook)
    await engine.post(b"1")
    async with engine.working():
        await engine.followed()
    await engine.activate(webhook, "discard")
    await engine.pause(webhook)
    await engine.post(b"2")
    async with engine.working():
        await engine.followed()
        assert await engine.states() == ["cancelled", "held"]
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [2]


async def test_what_is_held_too_long_expires(engine: Engine):
    webhook = await engine.webhook(hold_days=2)
    await engine.pause(webhook)
    await engine.post()
    now = engine.runtime.clock()
    async with engine.working():
        await engine.followed()
    for days, state in ((1.9, "held"), (2.1, "expired")):
        async with writing() as db:
            await acts.expire(db, now + timedelta(days=days))
        assert await engine.states() == [state]
    (row,) = await engine.rows("SELECT reason, finished_at FROM delivery")
    assert row["reason"]
    assert row["finished_at"]


async def test_what_is_to_be_delivered_expires_no_more(engine: Engine):
    """A drain may take its time: somebody has decided."""
    webhook = await engine.webhook(hold_days=2)
    await engine.pause(webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
    await engine.activate(webhook, "deliver")
    async with writing() as db:
        await acts.expire(db, engine.runtime.clock() + timedelta(days=3))
    assert await engine.states() == ["held"]
    await engine.work()
    assert await engine.states() == ["delivered"]


async def test_each_is_kept_for_its_days_from_when_it_was_accepted(engine: Engine):
    webhook = await engine.webhook(hold_days=2)
    await engine.post()
    engine.skip(3600)
    await engine.pause(webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
    rows = await engine.rows("SELECT created_at, held_until FROM delivery")
    assert [row["held_until"] - row["created_at"] for row in rows] == [
        timedelta(days=2)
    ] * 2


async def test_where_nothing_is_kept_it_expires_at_once(engine: Engine):
    webhook = await engine.webhook(hold_days=0)
    await engine.pause(webhook)
    async with engine.working():
        await engine.post()

        async def expired() -> bool:
            return await engine.states() == ["expired"]

        await eventually(expired)
    assert await engine.rows("SELECT 1 FROM attempt") == []


async def test_very_many_that_were_held_too_long_expire_in_one_go(engine: Engine):
    """The next look is an hour away."""
    webhook = await engine.webhook()
    event = (await engine.post()).id
    await engine.pause(webhook)
    now = engine.runtime.clock()
    held = NewDelivery(
        event=event,
        account=engine.account,
        webhook=webhook,
        state=DeliveryState.HELD,
        due=None,
        held_until=now,
        created_at=now,
        extra=True,
    )
    async with writing() as db:
        await ledger.enter(db, [held] * (acts.STEP * 2 + 1), now)

    async def nothing() -> None:
        """No replay is under way."""

    async def expired() -> bool:
        sql = "SELECT 1 FROM delivery WHERE held_until <= :now LIMIT 1"
        return not await engine.rows(sql, now=now)

    watch, clock, ring = Watch("wrk_a"), engine.runtime.clock, engine.ring
    beats = sweep.run(watch, clock, ring, KEEP, nothing, beat=3600)
    task = asyncio.create_task(beats)
    await eventually(expired)
    await cancelled(task)
    await bury("wrk_a", now)
    assert (await engine.states()).count("expired") == acts.STEP * 2 + 1
