"""A receiver stays away: the webhook is deactivated, all is held, nothing is lost."""

from datetime import timedelta

import pytest

from callboard import spells
from callboard.database import writing
from callboard.errors import Invalid
from callboard.ingest import NewEvent
from callboard.outcome import ErrorClass
from callboard.payload.settings import Payload
from callboard.webhooks import webhooks
from tests.engine import TYPE, Engine, eventually
from tests.hostile import LENGTH, answering, receiving
from tests.receiver import Answer

DEAD = Answer(503)
HOLD = timedelta(days=3)


async def test_it_is_deactivated_and_everything_comes_once_and_in_order_afterwards(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=(1,), concurrency=1, ordered=True)
    engine.receiver.usually["/"] = DEAD
    async with engine.working():
        for number in range(3):
            await engine.post(b"%d" % number)
        await engine.receiver.got(1)
        engine.skip(1)
        await engine.deactivated(webhook)
        for number in range(3, 6):
            await engine.post(b"%d" % number)
        assert await engine.states() == ["held"] * 6
        with pytest.raises(Invalid):
            await engine.activate(webhook)
        tried = len(engine.receiver.calls)
        del engine.receiver.usually["/"]
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert [call.data for call in engine.receiver.calls[tried:]] == [0, 1, 2, 3, 4, 5]
    assert await engine.states() == ["delivered"] * 6
    row = await webhooks.get(engine.account, webhook)
    assert row.state == "active"
    assert not row.cause


async def test_what_failed_since_the_last_success_is_held_what_failed_before_is_not(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=(), hold_days=HOLD.days)
    engine.receiver.script("/", 500, 200, *[500] * 5)
    async with engine.working():
        for number in range(7):
            await engine.post(b"%d" % number)
            await engine.receiver.got(number + 1)
            await engine.settled()
        await engine.deactivated(webhook)
    assert await engine.states() == ["failed", "delivered", *["held"] * 5]
    rows = await engine.rows("SELECT * FROM delivery WHERE state = 'held'")
    assert {row["held_until"] - row["created_at"] for row in rows} == {HOLD}


async def test_410_deactivates_at_once_and_holds_what_met_it(engine: Engine):
    webhook = await engine.webhook(deactivate_after=None)
    engine.receiver.script("/", 410)
    async with engine.working():
        await engine.post()
        await engine.deactivated(webhook)
        assert await engine.states() == ["held"]
        assert (await webhooks.get(engine.account, webhook)).cause == "gone"
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert await engine.states() == ["delivered"]


async def test_a_410_that_breaks_off_is_a_failed_try_like_others(engine: Engine):
    """Nobody knows whether the receiver had said all that it meant."""
    gone = b"HTTP/1.1 410 Gone\r\n" + LENGTH % 5
    async with receiving(answering(gone, b"bye")) as port:
        url, bare = f"http://127.0.0.1:{port}/", Payload(format="data")
        webhook = await engine.webhook(url=url, schedule=(3600,), payload=bare)
        await engine.post(b"{}")
        async with engine.working():
            await eventually(lambda: tried(engine))
    assert await engine.state(webhook) == "active"
    (row,) = await engine.rows("SELECT state, status, error, due FROM delivery")
    assert (row["state"], row["status"], row["error"]) == (
        "pending",
        410,
        ErrorClass.RESET,
    )
    assert row["due"] > engine.runtime.clock() + timedelta(seconds=3000)
    assert await engine.rows("SELECT 1 FROM health WHERE verdict IS NOT NULL") == []


async def tried(engine: Engine) -> bool:
    return bool(await engine.rows("SELECT 1 FROM attempt"))


async def test_a_success_of_another_delivery_keeps_it_active(engine: Engine):
    webhook = await engine.webhook(schedule=(1, 1), concurrency=1)
    engine.receiver.script("/", 500, 200, 500, 500)
    async with engine.working():
        await engine.post(b"1")
        await engine.receiver.got(1)
        await engine.post(b"2")
        for calls in (2, 3):
            await engine.receiver.got(calls)
            engine.skip(1)
        await engine.settled()
    assert await engine.state(webhook) == "active"
    assert await engine.states() == ["failed", "delivered"]


async def test_never_means_never(engine: Engine):
    webhook = await engine.webhook(schedule=(), deactivate_after=None)
    engine.receiver.usually["/"] = DEAD
    async with engine.working():
        await engine.post_all([NewEvent(TYPE, b"{}")] * 12)
        await engine.settled()
    assert await engine.state(webhook) == "active"
    assert await engine.states() == ["failed"] * 12


async def test_calls_under_way_when_it_is_deactivated_are_held_in_the_end(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=())
    engine.receiver.usually["/"] = DEAD
    async with engine.working("wrk_a", "wrk_b"):
        await engine.post_all([NewEvent(TYPE, b"{}")] * 40)
        await engine.deactivated(webhook)
        await engine.settled()
    assert await engine.states() == ["held"] * 40


async def test_events_are_taken_so_long_and_later_ones_are_written_down_only(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=(), hold_days=2)
    engine.receiver.script("/", 410)
    async with engine.working():
        await engine.post()
        await engine.deactivated(webhook)
    since = (await webhooks.get(engine.account, webhook)).state_since
    event = NewEvent(TYPE, b"{}")
    for days in (1.9, 2.1):
        at = since + timedelta(days=days)
        (receipt,) = await engine.acceptor.accept(engine.account, [event], at)
        assert receipt.deliveries == 1
    assert await engine.states() == ["held", "held", "expired"]
    rows = await engine.rows("SELECT * FROM delivery ORDER BY seq")
    assert rows[1]["held_until"] == since + timedelta(days=3.9)
    assert rows[2]["reason"] == "not kept"


async def test_a_pause_takes_events_without_end(engine: Engine):
    webhook = await engine.webhook(hold_days=2)
    await engine.pause(webhook)
    at = engine.runtime.clock() + timedelta(days=40)
    await engine.acceptor.accept(engine.account, [NewEvent(TYPE, b"{}")], at)
    async with engine.working():
        await engine.followed()
    assert await engine.states() == ["held"]


async def test_a_verdict_is_carried_out_by_whoever_lives(
    engine: Engine,
):
    webhook = await engine.webhook()
    async with writing() as db:
        await db.fetch(
            "INSERT INTO health (webhook, tries, lost, verdict, told, alarmed,"
            " reminded, tests, last_detail)"
            " VALUES (:id, 6, 1, 'failed', true, true, false, 0, '')",
            id=webhook,
        )
    async with engine.working():
        await engine.deactivated(webhook)
    assert (await webhooks.get(engine.account, webhook)).cause == "failed"


async def test_a_verdict_that_comes_after_a_pause_is_forgotten(engine: Engine):
    webhook = await engine.webhook()
    await engine.pause(webhook)
    async with writing() as db:
        await db.fetch(
            "INSERT INTO health (webhook, tries, lost, verdict, told, alarmed,"
            " reminded, tests, last_detail)"
            " VALUES (:id, 6, 1, 'failed', true, true, false, 0, '')",
            id=webhook,
        )
    await spells.deactivate(webhook, engine.runtime.clock())
    assert await engine.state(webhook) == "paused"
    rows = await engine.rows("SELECT verdict FROM health")
    assert rows[0]["verdict"] is None


async def test_healthy_webhooks_cost_no_statement_more(engine: Engine, queries):
    await engine.webhook()
    async with engine.working():
        with queries() as seen:
            await engine.post()
            await engine.settled()
    reads_or_writes = ("LEFT JOIN health", "INTO health", "min(a.started_at)")
    assert not [sql for sql in seen if any(part in sql for part in reads_or_writes)]
