"""Scheduled runs over days, with a real receiver and a clock that the test turns."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from standardwebhooks import Webhook as Verifier

from callboard import by_hand, ids, scheduled
from callboard.database import writing
from callboard.delivery import ledger, reading, workers
from callboard.delivery.states import Lane
from callboard.errors import Conflict
from callboard.health import reading as health
from callboard.payload.settings import Payload
from callboard.schedule import Schedule
from callboard.webhooks import webhooks
from tests.days import Days
from tests.engine import WHO, Engine
from tests.receiver import Answer, Received

EVERY_FIVE = Schedule(every_minutes=5)
DEAD = Answer(503)


@pytest.fixture
def days(engine: Engine) -> Days:
    return Days(engine, engine.runtime.clock())


def numbers(calls: list[Received]) -> list[int]:
    return [call.data for call in calls]


def arrays(calls: list[Received]) -> list[list[int]]:
    return [[each["data"] for each in msgspec.json.decode(c.body)] for c in calls]


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
    timetable = await scheduled.timetable(webhook)
    assert failing
    assert timetable
    assert failing.ends_at == timetable.next_run + timedelta(minutes=9 * 5)


async def test_an_event_that_fits_no_call_fails_alone(days: Days):
    template = Payload("template", '{"c": "${data.c}"}')
    await days.webhook(Schedule(5, bucket_size=3), payload=template)
    await days.post(b'{"c": 1}', b"{}", b'{"c": 3}')
    (call,) = await days.after(5)
    assert msgspec.json.decode(call.body) == [{"c": "1"}, {"c": "3"}]
    assert await days.engine.states() == ["delivered", "failed", "delivered"]


async def test_several_events_go_in_one_call_that_stays_as_it_was(days: Days):
    webhook = await days.webhook(Schedule(5, batch_size=5, bucket_size=3))
    days.engine.receiver.script("/", 500, 500, 200, 200)
    await days.post_numbers(0, 5)
    first = await days.after(5)
    await days.post_numbers(5, 4)
    second = await days.after(5)
    assert arrays(first) == arrays(second)[:2] == [[0, 1, 2], [3, 4]]
    assert [call.body for call in first] == [call.body for call in second[:2]]
    assert [call.id for call in first] == [call.id for call in second[:2]]
    assert all(call.id.startswith("bat_") for call in first)
    assert len({call.id for call in first}) == 2
    verifier = Verifier(days.engine.secrets[webhook])
    for call in first:
        assert len(verifier.verify(call.body, call.headers)) in (2, 3)
    assert arrays(await days.after(5)) == [[5, 6, 7], [8]]
    assert await days.engine.states() == ["delivered"] * 9


async def test_one_event_left_over_is_an_array_under_its_own_id(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post(b"1")
    (call,) = await days.after(5)
    assert arrays([call]) == [[1]]
    assert call.id.startswith("evt_")


async def test_each_member_has_the_attempt_with_the_whole_call(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    days.engine.receiver.script("/", 500, 200)
    await days.post_numbers(0, 3)
    calls = await days.after(5) + await days.after(5)
    for id in await days.engine.deliveries():
        found = await reading.get(days.engine.account, id)
        assert [each.status for each in found.attempts] == [500, 200]
        bodies = [each.request.body for each in found.attempts]
        assert bodies == [call.body for call in calls]
        assert dict(found.attempts[0].request.headers)["webhook-id"] == calls[0].id
    counted = await days.engine.rows(
        "SELECT sum(delivered) AS delivered, sum(tried_again) AS again FROM tally"
    )
    assert dict(counted[0]) == {"delivered": 3, "again": 3}


async def test_a_run_that_was_killed_repeats_what_was_in_flight_under_the_same_id(
    days: Days,
):
    await days.webhook(Schedule(5, bucket_size=2), concurrency=10)
    await days.post_numbers(0, 6)
    days.now += timedelta(minutes=5)
    await days.look()
    dead = days.engine.pump("wrk_dead")
    dead.clock = days.clock
    gate = days.engine.receiver.close_gate("/")
    await workers.Watch("wrk_dead").beat(days.now)
    await dead.look()
    (cut_off,) = await days.engine.receiver.got(1)
    await workers.bury("wrk_dead", days.now)
    gate.set()
    del days.engine.receiver.usually["/"]
    again = [call for call in await days.after(0.5) if call is not cut_off]
    assert arrays(again) == [[0, 1], [2, 3], [4, 5]]
    assert (again[0].id, again[0].body) == (cut_off.id, cut_off.body)
    await dead.stop(5)
    await dead.look()  # its late result leaves an attempt and no other trace
    assert await days.engine.states() == ["delivered"] * 6


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


async def test_what_failed_is_superseded_by_what_came_later(days: Days):
    await days.webhook(Schedule(5, bucket_size=2, latest_only=True))
    days.engine.receiver.script("/", 500)
    await days.post(b'{"id": 1, "v": 1}', b'{"id": 2, "v": 1}')
    (failed,) = await days.after(5)
    await days.post(b'{"id": 1, "v": 2}')
    (again,) = await days.after(5)
    sent = [(e["data"]["id"], e["data"]["v"]) for e in msgspec.json.decode(again.body)]
    assert sent == [(2, 1), (1, 2)]
    assert again.id != failed.id


async def test_after_an_outage_one_run_makes_up_for_all_and_the_grid_stays(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 200)
    (plan,) = await days.engine.rows("SELECT next_run FROM schedule")
    assert numbers(await days.after(63)) == list(range(60))
    assert await days.after(1, looks=5) == []
    timetable = await scheduled.timetable(webhook)
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


async def test_a_person_may_ask_for_a_run_and_the_plan_stays(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    before = await scheduled.timetable(webhook)
    account = days.engine.account
    await days.post(b"1")
    assert await scheduled.run_now(account, WHO, webhook, days.now) == 1
    with pytest.raises(Conflict, match="under way"):
        await scheduled.run_now(account, WHO, webhook, days.now)
    await days.work()
    assert numbers(days.calls()) == [1]
    assert await scheduled.run_now(account, WHO, webhook, days.now) == 0
    after = await scheduled.timetable(webhook)
    assert before
    assert after
    assert after.next_run == before.next_run
    assert after.last
    assert (after.last.hand, after.last.delivered) == (True, 1)
    await days.engine.pause(webhook)
    with pytest.raises(Conflict, match="paused"):
        await scheduled.run_now(account, WHO, webhook, days.now)
    await days.change(webhook, delivery=None)
    with pytest.raises(Conflict, match="no schedule"):
        await scheduled.run_now(account, WHO, webhook, days.now)


async def test_a_try_by_hand_goes_at_once_and_uses_no_run_up(days: Days):
    await days.webhook(EVERY_FIVE)
    days.engine.receiver.script("/", 500)
    await days.post_numbers(1, 2)
    (_, second) = await days.engine.deliveries()
    await by_hand.try_now(days.engine.account, WHO, second, days.now)
    assert numbers(await days.after(0.1)) == [2]
    assert numbers(await days.after(5)) == [1, 2]
    rows = await days.engine.rows("SELECT tries FROM delivery ORDER BY seq")
    assert [row["tries"] for row in rows] == [1, 1]


async def test_a_member_tried_by_hand_brings_its_call_along(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    days.engine.receiver.script("/", 500)
    await days.post_numbers(0, 3)
    (first,) = await days.after(5)
    last = (await days.engine.deliveries())[-1]
    await by_hand.try_now(days.engine.account, WHO, last, days.now)
    (second,) = await days.after(0.1)
    assert (second.id, second.body) == (first.id, first.body)
    assert await days.engine.states() == ["delivered"] * 3


async def test_a_cancelled_member_leaves_its_call_and_the_others_get_a_new_one(
    days: Days,
):
    await days.webhook(Schedule(5, bucket_size=3))
    days.engine.receiver.script("/", 500)
    await days.post_numbers(0, 3)
    (first,) = await days.after(5)
    middle = (await days.engine.deliveries())[1]
    await by_hand.cancel(days.engine.account, WHO, middle, days.now)
    (second,) = await days.after(5)
    assert arrays([second]) == [[0, 2]]
    assert second.id != first.id


async def test_a_member_cancelled_during_the_run_is_not_sent(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    middle = (await days.engine.deliveries())[1]
    await by_hand.cancel(days.engine.account, WHO, middle, days.now)
    await days.work()
    assert arrays(days.calls()) == [[0]]
    assert arrays(await days.after(5)) == [[2]]


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
    assert await scheduled.timetable(webhook) is None


async def test_a_change_of_other_settings_leaves_the_plan_as_it_is(days: Days):
    webhook = await days.webhook(EVERY_FIVE)
    before = await scheduled.timetable(webhook)
    wanted = {"name": "New", "delivery": Schedule(5, batch_size=7)}
    days.now += timedelta(minutes=3)
    await days.change(webhook, **wanted)
    after = await scheduled.timetable(webhook)
    assert before
    assert after
    assert after.next_run == before.next_run


async def test_a_replay_goes_at_once(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post(b"1")
    await days.after(5)
    (id,) = await days.engine.deliveries()
    await by_hand.repeat(days.engine.account, WHO, id, days.now)
    assert numbers(await days.after(0.1)) == [1]


async def test_nothing_is_claimed_between_runs(days: Days):
    await days.webhook(EVERY_FIVE)
    await days.post_numbers(0, 3)
    async with writing() as db:
        for lane in Lane:
            assert await ledger.claim(db, lane, 10, "wrk_x/1", days.now) == []
    seen = await reading.get(days.engine.account, ids.from_sequence("dlv", 1))
    assert seen.next_try_at == (await scheduled_next(days))


async def scheduled_next(days: Days) -> object:
    (row,) = await days.engine.rows("SELECT next_run FROM schedule")
    return row["next_run"]
