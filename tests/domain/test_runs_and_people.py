"""What a person does to a scheduled webhook and its deliveries between runs."""

from datetime import timedelta

import pytest

from callboard.database import reading, writing
from callboard.delivery import by_hand, runs
from callboard.delivery.runs import planned, starting
from callboard.errors import Conflict
from callboard.schedule import Schedule
from tests.days import EVERY_FIVE, Days, arrays, numbers
from tests.receiver import Answer


async def test_a_person_may_ask_for_a_run_and_the_plan_stays(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    before = await runs.timetable(webhook)
    await days.post(b"1")
    assert await runs.run_now(days.by, webhook) == 1
    with pytest.raises(Conflict, match="under way"):
        await runs.run_now(days.by, webhook)
    await days.work()
    assert numbers(days.calls()) == [1]
    assert await runs.run_now(days.by, webhook) == 0
    after = await runs.timetable(webhook)
    assert before
    assert after
    assert after.next_run == before.next_run
    assert after.last
    assert (after.last.hand, after.last.delivered) == (True, 1)
    await days.engine.pause(webhook)
    with pytest.raises(Conflict, match="paused"):
        await runs.run_now(days.by, webhook)
    await days.change(webhook, delivery=None)
    with pytest.raises(Conflict, match="no schedule"):
        await runs.run_now(days.by, webhook)


async def test_a_try_by_hand_goes_at_once_and_uses_no_run_up(days: Days):
    await days.webhook(EVERY_FIVE)
    days.engine.receiver.script("/", 500)
    await days.post_numbers(1, 2)
    (_, second) = await days.engine.deliveries()
    await by_hand.try_now(days.by, second)
    assert numbers(await days.after(0.1)) == [2]
    assert numbers(await days.after(5)) == [1, 2]
    rows = await days.engine.rows("SELECT tries FROM delivery ORDER BY seq")
    assert [row["tries"] for row in rows] == [1, 1]


async def test_a_pause_holds_what_a_run_took_and_an_activation_sends_it_in_order(
    days: Days,
):
    webhook = await days.webhook(Schedule(5, batch_size=2))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    await days.engine.pause(webhook)
    assert await days.after(30, looks=6) == []
    await days.post_numbers(3, 1)
    assert await days.engine.states() == ["held"] * 4
    await days.engine.activate(webhook, "deliver")
    assert numbers(await days.after(0.1)) == [0, 1]
    assert numbers(await days.after(5)) == [2, 3]


@pytest.mark.parametrize("held", ["deliver", "discard"])
async def test_no_run_begins_before_what_was_held_is_where_it_belongs(
    days: Days, held: str
):
    """It would pass what is older, or send what is to be discarded."""
    webhook = await days.webhook(EVERY_FIVE)
    await days.engine.pause(webhook)
    await days.post_numbers(0, 2)
    await days.engine.activate(webhook, held)
    await days.post_numbers(2, 1)
    with pytest.raises(Conflict, match="put back"):
        await runs.run_now(days.by, webhook)
    kept = [0, 1, 2] if held == "deliver" else [2]
    assert numbers(await days.after(6)) == kept


async def test_a_run_that_a_worker_has_seen_due_waits_for_that_too(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 2)
    days.now += timedelta(minutes=5)
    async with reading() as db:
        (due,) = await planned.wanted(db, days.now)
    await days.engine.pause(webhook)
    await days.engine.activate(webhook, "deliver")
    async with writing() as db:
        assert await starting.start(db, due, False, 0, days.now) is None
    assert numbers(await days.after(0)) == [0, 1]


async def test_of_two_people_who_ask_for_a_run_one_gets_it(days: Days):
    webhook = await days.webhook(Schedule(5, batch_size=2))
    await days.post_numbers(0, 4)
    async with reading() as db:
        asked = await planned.of_webhook(db, webhook)
    assert asked
    for taken in (2, None):
        async with writing() as db:
            assert await starting.start(db, asked, True, 0, days.now) == taken
    assert numbers(await days.after(0)) == [0, 1]


async def test_in_order_a_call_passes_nothing_that_a_person_tries(days: Days):
    await days.webhook(Schedule(5, bucket_size=3), ordered=True)
    await days.post_numbers(0, 3)
    await by_hand.try_now(days.by, (await days.engine.deliveries())[1])
    assert arrays(await days.after(5)) == [[0, 1, 2]]


async def test_deliveries_follow_when_a_schedule_is_set_and_taken_away(days: Days):
    webhook = await days.engine.webhook(schedule=(3600,), concurrency=1)
    days.engine.receiver.script("/", 500)
    days.now = days.engine.runtime.clock()
    await days.post(b"1")
    assert numbers(await days.after(0.1)) == [1]
    wanted = {"delivery": Schedule(30, bucket_size=2)}
    await days.change(webhook, **wanted)
    await days.post(b"2")
    assert await days.after(29, looks=5) == []
    assert arrays(await days.after(1.5)) == [[1, 2]]
    await days.post(b"3", b"4")
    assert await days.after(10) == []
    await days.change(webhook, delivery=None)
    assert numbers(await days.after(0.1)) == [3, 4]
    assert await runs.timetable(webhook) is None


async def test_a_try_by_hand_goes_at_once_though_a_schedule_is_set(days: Days):
    webhook = await days.engine.webhook(schedule=(3600,), concurrency=1)
    days.engine.receiver.script("/", 500, 500)
    days.now = days.engine.runtime.clock()
    await days.post_numbers(0, 2)
    assert numbers(await days.after(0.1)) == [0, 1]
    await by_hand.try_now(days.by, (await days.engine.deliveries())[0])
    await days.change(webhook, delivery=EVERY_FIVE)
    assert numbers(await days.after(0.1)) == [0]
    assert numbers(await days.after(5)) == [1]


async def test_what_went_in_one_call_goes_alone_without_a_schedule(days: Days):
    webhook = await days.webhook(Schedule(5, bucket_size=2))
    days.engine.receiver.script("/", Answer(500, takes=0.2))  # so nothing goes ahead
    await days.post_numbers(0, 2)
    assert arrays(await days.after(5)) == [[0, 1]]
    await days.change(webhook, delivery=None)
    assert numbers(await days.after(0.1)) == [0, 1]


async def test_a_change_of_other_settings_leaves_the_plan_as_it_is(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    before = await runs.timetable(webhook)
    wanted = {"name": "New", "delivery": Schedule(5, batch_size=7)}
    days.now += timedelta(minutes=3)
    await days.change(webhook, **wanted)
    after = await runs.timetable(webhook)
    assert before
    assert after
    assert after.next_run == before.next_run


async def test_a_replay_goes_at_once(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post(b"1")
    await days.after(5)
    (id,) = await days.engine.deliveries()
    await by_hand.repeat(days.by, id)
    assert numbers(await days.after(0.1)) == [1]
