"""Drafts, pauses and deletions: who gets no call, and what becomes of what waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from callboard.database import writing
from callboard.delivery import acts, following
from callboard.errors import Conflict, Invalid, NotFound
from callboard.ingest import Acceptor, NewEvent
from callboard.webhooks import lifecycle, webhooks
from tests.engine import TYPE, WHO, Engine, eventually
from tests.receiver import Answer


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


async def test_a_deactivated_webhook_holds_too(engine: Engine):
    webhook = await engine.webhook()
    now = engine.runtime.clock()
    await lifecycle.deactivate(engine.account, WHO, webhook, now)
    await engine.post()
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["held"]
    assert await engine.state(webhook) == "deactivated"


async def test_deactivating_what_was_paused_just_now_holds_what_waits(engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    await engine.pause(webhook)
    now = engine.runtime.clock()
    await lifecycle.deactivate(engine.account, WHO, webhook, now)
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["held"]


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
        assert asyncio.get_running_loop().time() - begun < 4
        gate.set()
        await engine.followed()
    assert len(engine.receiver.at("/0")) == 1


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


async def test_where_nothing_is_kept_it_expires_at_once(engine: Engine):
    webhook = await engine.webhook(hold_days=0)
    await engine.pause(webhook)
    async with engine.working():
        await engine.post()

        async def expired() -> bool:
            return await engine.states() == ["expired"]

        await eventually(expired)
