"""A person activates while what waits is still being put on hold, however much it is:
what is new goes at once, and what waited from the oldest on."""

from datetime import timedelta
from typing import Any

import pytest

from callboard.database import writing
from callboard.delivery import by_hand, following, standing
from callboard.delivery.following import course, holding, letting_go
from callboard.ingest import NewEvent
from callboard.upkeep import readiness
from callboard.webhooks import webhooks
from tests.engine import TYPE, Engine
from tests.receiver import Answer

MANY, STEP = 150, 10
WAITED = [*range(MANY)]
LIVE = MANY


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "STEP", STEP)


async def partly_held(engine: Engine, **more: Any) -> str:
    """Some are held already, most are not."""
    webhook = await engine.webhook(**more)
    await engine.post_all([NewEvent(TYPE, b"%d" % number) for number in WAITED])
    await engine.pause(webhook)
    await step(engine, webhook)
    assert await engine.states() == ["held"] * STEP + ["pending"] * (MANY - STEP)
    return webhook


async def step(engine: Engine, webhook: str) -> None:
    async with writing() as db:
        await following.follow(db, webhook, engine.runtime.clock())


async def called_first(engine: Engine, count: int) -> list[object]:
    """By a pump that looks only once."""
    pump = engine.pump()
    await pump.look()
    await engine.receiver.got(count)
    while pump.in_flight:
        await pump.stop(1)
    await pump.look()
    return [call.data for call in engine.receiver.calls]


async def test_a_new_event_goes_at_once_and_the_oldest_with_the_first_step(
    engine: Engine,
):
    webhook = await partly_held(engine, concurrency=1)
    await engine.activate(webhook, "deliver")
    await engine.post(b"%d" % LIVE)
    assert await called_first(engine, 1) == [LIVE]
    await step(engine, webhook)
    assert await called_first(engine, 2) == [LIVE, 0]
    await engine.work()
    calls = [call.data for call in engine.receiver.calls]
    assert calls == [LIVE, *WAITED]
    assert set(await engine.states()) == {"delivered"}


async def test_an_ordered_webhook_begins_with_the_oldest_as_quickly(engine: Engine):
    webhook = await partly_held(engine, ordered=True)
    await engine.activate(webhook, "deliver")
    await engine.post(b"%d" % LIVE)
    await step(engine, webhook)
    assert await called_first(engine, 1) == [0]
    await engine.work()
    assert [call.data for call in engine.receiver.calls] == [*WAITED, LIVE]


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_new_event_does_not_wait_until_the_others_are_discarded(
    engine: Engine, ordered: bool
):
    webhook = await partly_held(engine, ordered=ordered)
    await engine.activate(webhook, "discard")
    await engine.post(b"%d" % LIVE)
    assert await called_first(engine, 1) == [LIVE]
    await engine.work()
    assert [call.data for call in engine.receiver.calls] == [LIVE]
    assert await engine.states() == ["cancelled"] * MANY + ["delivered"]


async def test_no_other_try_is_made_of_what_is_to_be_discarded(engine: Engine):
    webhook = await engine.webhook(schedule=(10,), deactivate_after=None)
    engine.receiver.script("/", 503)
    await engine.post(b"0")
    assert await called_first(engine, 1) == [0]
    await engine.pause(webhook)
    await engine.activate(webhook, "discard")
    engine.skip(60)
    await engine.post(b"1")
    assert await called_first(engine, 2) == [0, 1]
    await engine.work()
    assert await engine.states() == ["cancelled", "delivered"]


async def test_what_waits_for_another_try_goes_at_once_with_the_whole_plan(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=(3600,), deactivate_after=None)
    engine.receiver.script("/", 503, 503)
    await engine.post(b"0")
    assert await called_first(engine, 1) == [0]
    await engine.pause(webhook)
    await engine.activate(webhook, "deliver")
    await step(engine, webhook)
    assert await called_first(engine, 2) == [0, 0]
    assert await engine.states() == ["pending"]
    engine.skip(3600)
    await engine.work()
    assert await engine.states() == ["delivered"]


async def test_what_is_let_go_is_looked_for(engine: Engine):
    """The claims before found nothing beside the gap."""
    webhook = await partly_held(engine, concurrency=1)
    await engine.activate(webhook, "deliver")
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = NULL")
    await step(engine, webhook)
    assert await called_first(engine, 1) == [0]
    await engine.work()


async def test_no_more_is_let_go_while_enough_of_it_waits(engine: Engine):
    webhook = await partly_held(engine)
    await engine.activate(webhook, "deliver")
    for _ in range(2):
        await step(engine, webhook)
    (row,) = await engine.rows("SELECT gap_from FROM turn")
    assert row["gap_from"] == 1 + 100
    await engine.work()


@pytest.mark.parametrize("is_held", [True, False])
async def test_what_lies_beside_the_gap_is_neither_put_on_hold_nor_let_go(
    engine: Engine, is_held: bool
):
    webhook = await engine.webhook()
    await engine.post_all([NewEvent(TYPE, b"{}")] * 4)
    now = engine.runtime.clock()
    row = {"gap_from": 2, "gap_to": 4, "hold_days": 4, "scheduled": False}
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = :due", due=now + timedelta(hours=1))
        if is_held:
            await holding.hold(db, webhook, row, STEP, now)
    kept = "held" if is_held else "pending"
    assert await engine.states() == ["pending", kept, kept, "pending"]
    async with writing() as db:
        await letting_go.release(db, webhook, row, STEP, now)
    due = await engine.rows("SELECT seq FROM delivery WHERE due = :now", now=now)
    assert [each["seq"] for each in due] == [2, 3]


async def test_a_try_that_a_person_asked_for_becomes_one_of_the_plan(engine: Engine):
    """It is the last to be put on hold, and the first to be let go."""
    webhook = await engine.webhook(schedule=(10,), deactivate_after=None)
    await engine.post_all([NewEvent(TYPE, b"%d" % number) for number in WAITED])
    await by_hand.try_now(engine.by, (await engine.deliveries())[0])
    await engine.pause(webhook)
    await engine.activate(webhook, "deliver")
    await step(engine, webhook)
    engine.receiver.script("/", 503)
    assert await called_first(engine, 1) == [0]
    rows = await engine.rows("SELECT tries, state FROM delivery WHERE attempts > 0")
    assert [tuple(row.values()) for row in rows] == [(1, "pending")]
    engine.skip(60)
    await engine.work()
    assert set(await engine.states()) == {"delivered"}


async def test_stopping_it_again_beside_all_that_loses_nothing(engine: Engine):
    """Whatever of it was let go by then."""
    webhook = await partly_held(engine, concurrency=4)
    engine.receiver.usually["/"] = Answer(takes=0.001)
    async with engine.working("wrk_a", "wrk_b"):
        for number in range(5):
            await engine.activate(webhook, "deliver")
            await engine.post(b"%d" % (LIVE + number))
            await engine.receiver.got(20 * (number + 1))
            await engine.pause(webhook)
        await engine.activate(webhook, "deliver")
        await engine.settled()
    assert set(await engine.states()) == {"delivered"}
    came = sorted(call.data for call in engine.receiver.calls)
    assert came == [*range(MANY + 5)]


async def test_people_are_told_how_many_still_wait(engine: Engine):
    webhook = await partly_held(engine)
    await engine.activate(webhook, "deliver")
    await engine.post(b"%d" % LIVE)
    row = await webhooks.get(engine.account, webhook)
    assert (await standing.of_webhooks([row]))[webhook].held == MANY
    await engine.work()
    assert (await standing.of_webhooks([row]))[webhook].held == 0


async def test_nobody_is_alarmed_by_what_waits_its_turn(engine: Engine):
    webhook = await partly_held(engine)
    engine.skip(600)
    await engine.activate(webhook, "deliver")
    assert await readiness.alarm(engine.account, engine.runtime.clock()) is None
    await engine.work()


async def test_what_was_let_go_is_not_counted_as_held(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(letting_go, "_AHEAD", 4)
    webhook = await engine.webhook(concurrency=1)
    await engine.post_all([NewEvent(TYPE, b"{}")] * STEP)
    await engine.pause(webhook)
    await step(engine, webhook)
    await step(engine, webhook)
    await engine.activate(webhook, "deliver")
    await step(engine, webhook)
    assert await engine.states() == ["pending"] * 4 + ["held"] * (STEP - 4)
    row = await webhooks.get(engine.account, webhook)
    assert (await standing.of_webhooks([row]))[webhook].held == STEP - 4
