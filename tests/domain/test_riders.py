"""What rides in the call of another: whose it is, and when it is free again."""

from datetime import timedelta

from callboard.database import writing
from callboard.delivery import buckets, by_hand, ledger, workers
from callboard.delivery.ledger import Claimed
from callboard.delivery.runs.superseding import supersede
from callboard.delivery.states import Lane
from callboard.delivery.tables import Turn
from callboard.schedule import Schedule
from tests.days import Days


async def leads(days: Days, worker: str) -> Claimed:
    """What a worker has leased, but not called."""
    await workers.Watch(worker).beat(days.now)
    async with writing() as db:
        lease = f"{worker}/1"
        (lead,) = await ledger.claim(db, Lane.UNTRIED, 1, lease, days.now)
    return lead


async def test_those_of_a_call_that_is_given_back_are_free(days: Days):
    """Its worker was stopped after they had boarded."""
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    lead = await leads(days, "wrk_stopped")
    async with writing() as db:
        assert len(await buckets.board(db, lead)) == 3
    async with writing() as db:
        await ledger.record(db, [], frozenset(), days.now, [lead])
    await workers.bury("wrk_stopped", days.now)
    await days.after(0.1)
    assert await days.engine.states() == ["delivered"] * 3
    assert len(days.engine.receiver.calls) == 1


async def test_one_that_a_person_tries_before_they_board_is_free_with_them(days: Days):
    webhook = await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    lead = await leads(days, "wrk_stopped")
    await by_hand.try_now(days.by, (await days.engine.deliveries())[-1])
    async with writing() as db:
        assert len(await buckets.board(db, lead)) == 3
    assert await workers.bury("wrk_stopped", days.now) == 3
    turn = await Turn.objects().get(Turn.webhook == webhook)
    assert turn
    assert turn.leased == 0
    await days.after(0.1)
    assert await days.engine.states() == ["delivered"] * 3


async def test_those_that_part_are_looked_for_at_once(days: Days):
    await days.webhook(Schedule(5, bucket_size=3))
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    lead = await leads(days, "wrk_parts")
    async with writing() as db:
        _, *left = await buckets.board(db, lead)
        await db.fetch("UPDATE turn SET slots = 2, next_due = NULL")
        await buckets.part(db, left, days.now)
        assert await ledger.next_due(db) == days.now
    await workers.bury("wrk_parts", days.now)
    await days.after(0.1)
    assert await days.engine.states() == ["delivered"] * 3


async def test_one_that_rides_is_superseded_by_no_later_event(days: Days):
    webhook = await days.webhook(Schedule(5, bucket_size=3, latest_only=True))
    await days.post(b'{"id": 1}', b'{"id": 2}')
    days.now += timedelta(minutes=5)
    await days.look()
    lead = await leads(days, "wrk_calls")
    async with writing() as db:
        assert len(await buckets.board(db, lead)) == 2
    await days.post(b'{"id": 2}')
    async with writing() as db:
        assert await supersede(db, webhook, days.now) == 0
    await workers.bury("wrk_calls", days.now)
    await days.after(5, looks=2)
    assert await days.engine.states() == ["delivered"] * 3


async def beside_a_call(days: Days) -> Claimed:
    """One of the bucket of a call under way: it was held when that began, and a person
    tries it meanwhile."""
    await days.webhook(Schedule(5, bucket_size=3), concurrency=4)
    await days.post_numbers(0, 3)
    days.now += timedelta(minutes=5)
    await days.look()
    await move(days, "held", "pending")
    async with writing() as db:
        await db.fetch("UPDATE turn SET slots = 2")
    lead = await leads(days, "wrk_calls")
    async with writing() as db:
        assert len(await buckets.board(db, lead)) == 2
    await move(days, "pending", "held")
    await by_hand.try_now(days.by, (await days.engine.deliveries())[-1])
    return await leads(days, "wrk_other")


async def move(days: Days, to: str, of: str) -> None:
    """As steps do that follow a change of state, which need a thousand for that."""
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET state = :to WHERE state = :of AND seq ="
            " (SELECT max(seq) FROM delivery)",
            to=to,
            of=of,
        )


async def test_those_of_another_worker_stay_its_own(days: Days):
    await beside_a_call(days)
    await workers.bury("wrk_other", days.now)
    rows = await days.engine.rows("SELECT lease FROM delivery ORDER BY seq")
    assert [row["lease"] for row in rows] == ["wrk_calls/1", "wrk_calls/1", None]
    await workers.bury("wrk_calls", days.now)
    await days.after(10, looks=2)
    assert await days.engine.states() == ["delivered"] * 3


async def test_those_of_a_worker_that_died_are_free_though_one_went_alone(days: Days):
    beside = await beside_a_call(days)
    async with writing() as db:
        assert len(await buckets.board(db, beside)) == 1
    for worker in ("wrk_calls", "wrk_other"):
        await workers.bury(worker, days.now)
    await days.after(10, looks=2)
    assert await days.engine.states() == ["delivered"] * 3
