"""What a claim leaves in the turn: when it is worth while to look again."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from callboard.database import writing
from callboard.delivery import ledger
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import DeliveryState, Lane
from callboard.delivery.turns import AHEAD, LOOK_AGAIN
from callboard.ingest import NewEvent
from callboard.outcome import Outcome
from tests.engine import TYPE, Engine


async def claim(engine: Engine, now: datetime, **more: Any) -> list[Claimed]:
    async with writing() as db:
        await db.fetch("UPDATE turn SET lane = 'express', slots = cap")
        return await ledger.claim(db, Lane.EXPRESS, 50, "wrk_a/1", now, **more)


async def give_back(engine: Engine, claimed: list[Claimed]) -> None:
    async with writing() as db:
        now = engine.runtime.clock()
        await ledger.record(db, [], frozenset(), now, unused=claimed)


async def turn(engine: Engine) -> Any:
    (row,) = await engine.rows("SELECT * FROM turn")
    return row


async def set_gap(engine: Engine, first: int, end: int) -> None:
    sql = "UPDATE turn SET gap_from = :first, gap_to = :end"
    async with writing() as db:
        await db.fetch(sql, first=first, end=end)


async def test_without_a_token_nobody_looks_before_there_is_one(engine: Engine):
    await engine.webhook(rate_per_second=2, concurrency=9)
    await engine.post_all([NewEvent(TYPE, b"{}")] * 5)
    now = engine.runtime.clock()
    found = await claim(engine, now)
    assert len(found) == 1
    next_due = (await turn(engine))["next_due"]
    assert now < next_due <= now + timedelta(seconds=0.5)
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = :now", now=now)
    assert await claim(engine, now) == []
    assert (await turn(engine))["next_due"] == next_due
    await give_back(engine, found)


@pytest.mark.parametrize("ordered", [False, True])
async def test_nobody_looks_for_what_is_still_to_be_put_in_its_place(
    engine: Engine, ordered: bool
):
    webhook = await engine.webhook(ordered=ordered)
    await engine.post()
    await engine.pause(webhook)
    await engine.activate(webhook, "deliver")
    now = engine.runtime.clock()
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = :now", now=now)
    assert await claim(engine, now) == []
    next_due = (await turn(engine))["next_due"]
    assert next_due is None or next_due > now
    await engine.work()


@pytest.mark.parametrize(
    ("ordered", "gap", "found"),
    [
        (False, (2, 3), [1, 3]),
        (False, (1, 3), [3]),
        (False, (2, 4), [1]),
        (True, (2, 4), [1]),
        (True, (1, 3), []),
    ],
)
async def test_nothing_is_claimed_of_what_lies_in_the_gap(
    engine: Engine, ordered: bool, gap: tuple[int, int], found: list[int]
):
    await engine.webhook(ordered=ordered)
    await engine.post_all([NewEvent(TYPE, b"{}")] * 3)
    await set_gap(engine, *gap)
    claimed = await claim(engine, engine.runtime.clock())
    assert [each.seq for each in claimed] == found
    await give_back(engine, claimed)
    await set_gap(engine, 0, 0)
    await engine.work()


@pytest.mark.parametrize("gap", [(0, 0), (2, 3)])
@pytest.mark.parametrize(("latest_is_late", "first"), [(True, 3), (False, 1)])
async def test_what_is_due_longest_is_claimed_first(
    engine: Engine, gap: tuple[int, int], latest_is_late: bool, first: int
):
    await engine.webhook(concurrency=1)
    await engine.post_all([NewEvent(TYPE, b"{}")] * 3)
    now = engine.runtime.clock()
    if latest_is_late:
        async with writing() as db:
            sql = "UPDATE delivery SET due = :before WHERE seq = 3"
            await db.fetch(sql, before=now - timedelta(seconds=1))
    await set_gap(engine, *gap)
    claimed = await claim(engine, now)
    assert [each.seq for each in claimed] == [first]
    await give_back(engine, claimed)
    await set_gap(engine, 0, 0)


async def test_beside_that_the_next_look_at_much_traffic_is_at_once(engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    await engine.pause(webhook)
    await engine.activate(webhook, "deliver")
    await engine.post_all([NewEvent(TYPE, b"{}")] * 10)
    now = engine.runtime.clock()
    found = await claim(engine, now)
    assert len(found) == 10
    assert (await turn(engine))["next_due"] == now
    await give_back(engine, found)
    await engine.work()


async def test_in_order_nothing_is_claimed_behind_what_is_held(engine: Engine):
    await engine.webhook(ordered=True)
    await engine.post_all([NewEvent(TYPE, b"{}")] * 2)
    now = engine.runtime.clock()
    move = "UPDATE delivery SET state = :state, due = :due, held_until = :kept"
    async with writing() as db:
        await db.fetch(f"{move} WHERE seq = 1", state="held", due=None, kept=now)
    assert await claim(engine, now) == []
    async with writing() as db:
        await db.fetch(f"{move} WHERE seq = 1", state="pending", due=now, kept=None)
        await db.fetch("UPDATE turn SET next_due = :now", now=now)
    await engine.work()


async def test_in_order_what_is_new_does_not_wait_for_what_is_discarded(
    engine: Engine,
):
    webhook = await engine.webhook(ordered=True)
    await engine.pause(webhook)
    await engine.post()
    await engine.activate(webhook, "discard")
    receipt = await engine.post()
    found = await claim(engine, engine.runtime.clock())
    assert [each.facts.id for each in found] == [receipt.id]
    await give_back(engine, found)
    await engine.work()


async def test_who_has_all_of_a_webhooks_calls_leases_ahead(engine: Engine):
    webhook = await engine.webhook(concurrency=2)
    await engine.post_all([NewEvent(TYPE, b"{}")] * 20)
    now = engine.runtime.clock()
    found = await claim(engine, now)
    assert len(found) == 2
    assert await claim(engine, now, held={webhook: 1}) == []
    found += await claim(engine, now, held={webhook: 2})
    assert len(found) == 2 * (1 + AHEAD)
    await give_back(engine, found)


async def test_after_a_find_the_looks_are_counted_anew(engine: Engine):
    """On PostgreSQL, where more may be committed than a claim sees."""
    await engine.webhook(concurrency=9)
    await engine.post()
    async with writing() as db:
        await db.fetch("UPDATE turn SET empty_looks = 3")
    now = engine.runtime.clock()
    found = await claim(engine, now)
    again = now + timedelta(seconds=LOOK_AGAIN[0]) if engine.is_postgres else None
    assert (await turn(engine))["next_due"] == again
    await give_back(engine, found)


@pytest.mark.parametrize(("wait", "first"), [(10, "tried"), (7200, "other")])
async def test_whatever_is_due_first_is_looked_at_first(
    engine: Engine, wait: int, first: str
):
    """The one that is to be tried again, or what waited already."""
    await engine.webhook()
    await engine.post_all([NewEvent(TYPE, b"{}")] * 2)
    now = engine.runtime.clock()
    tried = await claim(engine, now)
    due = {"tried": now + timedelta(seconds=wait), "other": now + timedelta(hours=1)}
    sent = Sent("POST", "http://a.example/", (), b"")
    failed = Outcome(status=500, seconds=0.1)
    state = DeliveryState.PENDING
    later = due["tried"] + timedelta(hours=2)
    results = [
        Result(each, sent, now, failed, state, again, None, now)
        for each, again in zip(tried, (due["tried"], later), strict=True)
    ]
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = :other", other=due["other"])
        await ledger.record(db, results, frozenset(), now)
    assert (await turn(engine))["next_due"] == due[first]
    engine.skip(wait + 7200)
    await engine.work()


async def test_of_several_successes_the_last_is_remembered(engine: Engine):
    await engine.webhook()
    await engine.post_all([NewEvent(TYPE, b"{}")] * 2)
    now = engine.runtime.clock()
    first, second = await claim(engine, now)
    sent = Sent("POST", "http://a.example/", (), b"")
    good = Outcome(status=200, seconds=0.1)
    state = DeliveryState.DELIVERED
    results = [
        Result(each, sent, now, good, state, None, None, now + timedelta(seconds=took))
        for each, took in ((first, 2), (second, 1))
    ]
    async with writing() as db:
        await ledger.record(db, results, frozenset(), now)
    assert (await turn(engine))["succeeded_at"] == now + timedelta(seconds=2)


@pytest.mark.parametrize("hours", [None, 1])
async def test_a_new_event_wakes_who_sleeps_also_until_a_next_try(
    engine: Engine, hours: int | None
):
    await engine.webhook()
    later = engine.runtime.clock() + timedelta(hours=hours) if hours else None
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = :later", later=later)
    await engine.post()
    found = await claim(engine, engine.runtime.clock())
    assert len(found) == 1
    await give_back(engine, found)


async def test_a_webhook_whose_call_takes_long_has_one_slot(engine: Engine):
    webhook = await engine.webhook(concurrency=4)
    await engine.post()
    now = engine.runtime.clock()
    found = await claim(engine, now)
    async with writing() as db:
        await ledger.record(db, [], frozenset([webhook]), now)
    row = await turn(engine)
    assert (row["lane"], row["slots"]) == ("patient", 1)
    await give_back(engine, found)
