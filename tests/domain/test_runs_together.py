"""Scheduled runs that send several events in one call."""

from datetime import timedelta
from itertools import chain

import msgspec
from standardwebhooks import Webhook as Verifier

from callboard.database import writing
from callboard.delivery import buckets, by_hand, ledger, reading, workers
from callboard.delivery.states import Lane
from callboard.delivery.tables import Turn
from callboard.payload.settings import Payload
from callboard.schedule import Schedule
from tests.days import Days, arrays


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


async def test_an_event_that_fits_no_call_fails_alone(days: Days):
    template = Payload("template", '{"c": "${data.c}"}')
    await days.webhook(Schedule(5, bucket_size=3), payload=template)
    await days.post(b'{"c": 1}', b"{}", b'{"c": 3}')
    (call,) = await days.after(5)
    assert msgspec.json.decode(call.body) == [{"c": "1"}, {"c": "3"}]
    assert await days.engine.states() == ["delivered", "failed", "delivered"]


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


async def test_a_call_that_others_have_taken_over_is_not_made(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    await workers.Watch("wrk_cut_off").beat(days.now)
    async with writing() as db:
        lease = "wrk_cut_off/1"
        (lead,) = await ledger.claim(db, Lane.UNTRIED, 5, lease, days.now)
    await workers.bury("wrk_cut_off", days.now)
    async with writing() as db:
        assert await buckets.board(db, lead) == []
    assert arrays(await days.after(0.1)) == [[0, 1, 2]]


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


async def test_a_member_tried_by_hand_brings_its_call_along(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    days.engine.receiver.script("/", 500)
    await days.post_numbers(0, 3)
    (first,) = await days.after(5)
    last = (await days.engine.deliveries())[-1]
    await by_hand.try_now(days.by, last)
    (second,) = await days.after(0.1)
    assert (second.id, second.body) == (first.id, first.body)
    assert await days.engine.states() == ["delivered"] * 3


async def test_a_member_tried_by_hand_as_its_run_begins_is_sent_once(days: Days):
    """Its call is due already, and one claim takes both."""
    webhook = await days.webhook(Schedule(5, bucket_size=3), concurrency=4)
    await days.post_numbers(0, 9)
    await days.after(5)  # three quick calls: now it may have several at once
    await days.post_numbers(9, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    last = (await days.engine.deliveries())[-1]
    await by_hand.try_now(days.by, last)
    await days.work()
    calls = [*days.calls(), *await days.after(5)]
    assert sorted(chain.from_iterable(arrays(calls))) == [9, 10, 11]
    assert await days.engine.states() == ["delivered"] * 12
    turn = await Turn.objects().get(Turn.webhook == webhook)
    assert turn
    assert turn.leased == 0


async def test_a_cancelled_member_leaves_its_call_and_the_others_get_a_new_one(
    days: Days,
):
    await days.webhook(Schedule(5, bucket_size=3))
    days.engine.receiver.script("/", 500)
    await days.post_numbers(0, 3)
    (first,) = await days.after(5)
    middle = (await days.engine.deliveries())[1]
    await by_hand.cancel(days.by, middle)
    (second,) = await days.after(5)
    assert arrays([second]) == [[0, 2]]
    assert second.id != first.id


async def test_a_member_cancelled_during_the_run_is_not_sent(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    middle = (await days.engine.deliveries())[1]
    await by_hand.cancel(days.by, middle)
    await days.work()
    assert arrays(days.calls()) == [[0]]
    assert arrays(await days.after(5)) == [[2]]


async def test_a_cancelled_member_lets_nothing_pass_in_an_ordered_webhook(days: Days):
    await days.webhook(Schedule(5, bucket_size=2), ordered=True)
    days.engine.receiver.script("/", 500)
    await days.post_numbers(0, 4)
    await days.after(5)
    await by_hand.cancel(days.by, (await days.engine.deliveries())[0])
    await days.post_numbers(4, 1)
    assert arrays(await days.after(5)) == [[1], [2, 3], [4]]
