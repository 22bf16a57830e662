"""Scheduled runs over days, with a real receiver and a clock that the test turns."""

import asyncio
from datetime import timedelta
from random import Random

from callboard import ids
from callboard.database import writing
from callboard.delivery import by_hand, ledger, reading, runs, workers
from callboard.delivery.states import Lane
from callboard.health import reading as health
from callboard.schedule import Schedule
from callboard.webhooks import webhooks
from tests.days import EVERY_FIVE, Days, numbers
from tests.receiver import Answer

DEAD = Answer(503)


async def test_130_changes_go_out_in_runs_of_60_60_and_10_the_oldest_first(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 130)
    assert await days.after(4.9, looks=3) == []
    assert numbers(await days.after(0.2)) == list(range(60))
    assert await days.after(4.8, looks=3) == []
    assert numbers(await days.after(0.2)) == list(range(60, 120))
    assert numbers(await days.after(5)) == list(range(120, 130))
    assert await days.after(60, looks=12) == []
    found = [(r.taken, r.calls, r.waiting, r.delivered) for r in await days.runs()]
    assert found == [(60, 60, 70, 60), (60, 60, 10, 60), (10, 10, 0, 10)]


async def test_a_failure_is_tried_again_in_each_run_and_12_times_in_all(days: Days):
    await days.webhook(EVERY_FIVE)
    days.engine.receiver.usually["/"] = DEAD
    await days.post(b"1")
    calls = [len(await days.after(5)) for _ in range(14)]
    assert calls == [1] * 12 + [0, 0]
    assert await days.engine.states() == ["failed"]
    tried = await days.engine.rows("SELECT tries, reason FROM delivery")
    assert dict(tried[0]) == {"tries": 12, "reason": "every try failed"}
    ends = [(run.again, run.failed) for run in await days.runs()]
    assert ends == [(1, 0)] * 11 + [(0, 1)]


async def test_a_success_in_a_later_run_is_the_end(days: Days):
    await days.webhook(EVERY_FIVE)
    days.engine.receiver.script("/", 500, 503, 200)
    await days.post(b"1")
    calls = [len(await days.after(5)) for _ in range(5)]
    assert calls == [1, 1, 1, 0, 0]
    assert await days.engine.states() == ["delivered"]


async def test_the_rule_deactivates_after_12_failed_runs_and_holds_the_rest(
    days: Days,
):
    webhook = await days.webhook(EVERY_FIVE, deactivate_after=1)
    days.engine.receiver.usually["/"] = DEAD
    await days.post(b"1", b"2")
    for _ in range(12):
        await days.after(5)
    await days.work()
    assert await days.engine.states() == ["held", "held"]
    del days.engine.receiver.usually["/"]
    days.calls()
    await days.engine.activate(webhook, "deliver")
    assert numbers(await days.after(5)) == [1, 2]


async def test_the_rule_says_in_which_run_it_will_deactivate(days: Days):
    webhook = await days.webhook(EVERY_FIVE, deactivate_after=1, schedule=())
    days.engine.receiver.usually["/"] = DEAD
    await days.post(b"1")
    await days.after(5)
    await days.after(5)
    row = await webhooks.get(days.engine.account, webhook)
    failing = await health.of_webhook(row)
    timetable = await runs.timetable(webhook)
    assert failing
    assert timetable
    assert failing.ends_at == timetable.next_run + timedelta(minutes=9 * 5)


async def test_only_the_latest_event_of_each_record_goes_out(days: Days):
    await days.webhook(Schedule(5, latest_only=True))
    await days.post(b'{"id": 1, "v": 1}', b'{"id": 2, "v": 1}', b'{"id": 1, "v": 2}')
    await days.post(b'{"v": "no id"}', b'{"v": "no id"}')
    seen = [(c.data.get("id"), c.data["v"]) for c in await days.after(5)]
    assert seen == [(2, 1), (1, 2), (None, "no id"), (None, "no id")]
    await days.post(b'{"id": 1, "v": 3}')
    assert [c.data["v"] for c in await days.after(5)] == [3]
    rows = await days.engine.rows("SELECT state, reason FROM delivery ORDER BY seq")
    assert dict(rows[0]) == {"state": "cancelled", "reason": "superseded"}
    assert [run.superseded for run in await days.runs()] == [1, 0]


async def test_what_a_person_has_cancelled_stands_for_nothing_older(days: Days):
    await days.webhook(Schedule(5, latest_only=True))
    days.engine.receiver.script("/", 500)
    await days.post(b'{"id": 1, "v": 1}')
    await days.after(5)
    await days.post(b'{"id": 1, "v": 2}')
    await by_hand.cancel(days.by, (await days.engine.deliveries())[-1])
    assert [call.data["v"] for call in await days.after(5)] == [1]
    assert await days.engine.states() == ["delivered", "cancelled"]


async def test_what_a_person_tries_is_superseded_by_nothing(days: Days):
    webhook = await days.webhook(Schedule(5, latest_only=True))
    await days.post(b'{"id": 1, "v": 1}', b'{"id": 1, "v": 2}')
    await by_hand.try_now(days.by, (await days.engine.deliveries())[0])
    assert await runs.run_now(days.by, webhook) == 2
    await days.work()
    assert [call.data["v"] for call in days.calls()] == [1, 2]


async def test_after_an_outage_one_run_makes_up_for_all_and_the_grid_stays(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 200)
    (plan,) = await days.engine.rows("SELECT next_run FROM schedule")
    assert numbers(await days.after(63)) == list(range(60))
    assert await days.after(1, looks=5) == []
    timetable = await runs.timetable(webhook)
    assert timetable
    assert timetable.next_run == plan["next_run"] + timedelta(minutes=60)
    assert timetable.waiting == 140


async def test_a_clock_set_back_by_an_hour_makes_one_run(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 200)
    assert len(await days.after(5)) == 60
    days.now -= timedelta(hours=1)
    assert len(await days.after(0.1, looks=3)) == 60
    assert await days.after(4.8, looks=5) == []
    assert len(await days.after(0.2)) == 60
    await days.after(120)


async def test_clocks_that_differ_by_seconds_make_no_second_run(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 200)
    assert len(await days.after(5)) == 60
    days.now -= timedelta(seconds=20)
    assert await days.after(0.1, looks=3) == []


async def test_however_the_clock_jumps_each_reading_makes_one_run_at_most(days: Days):
    """Two runs at one reading of the clock would be a storm."""
    await days.webhook(Schedule(every_minutes=30, batch_size=1))
    await days.post_numbers(0, 60)
    rng = Random(0)  # noqa: S311
    for _ in range(40):
        days.now += timedelta(seconds=rng.randint(-7200, 7200))
        assert len(await days.after(0, looks=3)) <= 1
        (plan,) = await days.engine.rows("SELECT next_run FROM schedule")
        assert days.now < plan["next_run"] <= days.now + timedelta(minutes=31)


async def test_two_workers_that_see_a_run_due_begin_it_once(days: Days):
    await days.webhook(Schedule(5, batch_size=3))
    await days.post_numbers(0, 9)
    days.now += timedelta(minutes=6)
    await asyncio.gather(*(days.look() for _ in range(5)))
    assert [run.taken for run in await days.runs()] == [3]
    await days.work()
    assert numbers(days.calls()) == [0, 1, 2]


async def test_no_run_begins_while_one_is_under_way(days: Days):
    await days.webhook(Schedule(1, batch_size=2))
    await days.post_numbers(0, 4)
    days.now += timedelta(minutes=1)
    await days.look()
    days.now += timedelta(minutes=5)
    await days.look()
    assert len(await days.runs()) == 1
    await days.work()
    assert numbers(days.calls()) == [0, 1]
    assert numbers(await days.after(1)) == [2, 3]


async def test_a_run_is_under_way_as_long_as_its_last_call(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 1)
    days.now += timedelta(minutes=5)
    await days.look()
    async with writing() as db:
        assert await ledger.claim(db, Lane.UNTRIED, 1, "wrk_b/1", days.now)
    await days.look()
    assert [run.ended_at for run in await days.runs()] == [None]
    await workers.bury("wrk_b", days.now)
    assert numbers(await days.after(0)) == [0]
    (run,) = await days.runs()
    assert (run.ended_at, run.delivered, run.waiting) == (days.now, 1, 0)


async def test_in_order_nothing_passes_what_failed(days: Days):
    await days.webhook(EVERY_FIVE, ordered=True)
    days.engine.receiver.script("/", 200, 500)
    await days.post_numbers(0, 4)
    assert numbers(await days.after(5)) == [0, 1]
    assert await days.after(4, looks=4) == []
    assert numbers(await days.after(1.5)) == [1, 2, 3]
    first, second = await days.runs()
    assert (first.taken, first.delivered, first.again, first.waiting) == (4, 1, 1, 2)
    assert second.delivered == 3


async def test_nothing_is_claimed_between_runs(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 3)
    async with writing() as db:
        for lane in Lane:
            assert await ledger.claim(db, lane, 10, "wrk_x/1", days.now) == []
    seen = await reading.get(days.engine.account, ids.from_sequence("dlv", 1))
    (plan,) = await days.engine.rows("SELECT next_run FROM schedule")
    assert seen.next_try_at == plan["next_run"]
