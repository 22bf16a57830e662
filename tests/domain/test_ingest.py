"""Accepting events: all or nothing, whoever shares the commit, for those who listen."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from callboard.delivery.tables import Delivery, Event
from callboard.errors import Conflict, Invalid, LimitReached
from callboard.ingest import NewEvent, acceptor
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine

GOOD = NewEvent(TYPE, b"1", key="k")


class TestBatches:
    async def test_the_same_key_twice_in_a_batch_is_one_event(self, engine: Engine):
        for number in range(10):  # ids of one millisecond are in no order
            event = replace(GOOD, key=f"k{number}")
            first, second = await engine.post_all([event, event])
            assert (first.duplicate, second.duplicate) == (False, True)
            assert first.id == second.id
        assert await Event.count() == 10

    async def test_one_key_for_two_things_in_a_batch_is_a_conflict(
        self, engine: Engine
    ):
        with pytest.raises(Conflict):
            await engine.post_all([GOOD, replace(GOOD, data=b"2")])
        assert await Event.count() == 0

    async def test_a_conflict_undoes_its_batch_and_nobody_elses(self, engine: Engine):
        """Though all of them share a commit."""
        await engine.webhook()
        await engine.post_all([GOOD])
        bad = [NewEvent(TYPE, b"1"), replace(GOOD, data=b"2"), NewEvent(TYPE, b"3")]
        calls = [[NewEvent(TYPE, b"4", key=f"n{n}")] for n in range(10)]
        calls.insert(5, bad)
        calls.insert(7, [replace(GOOD, type="nix")])
        calls.insert(8, [GOOD])
        found = await asyncio.gather(
            *(engine.post_all(call) for call in calls), return_exceptions=True
        )
        assert isinstance(found.pop(8), list)
        assert isinstance(found.pop(7), Invalid)
        assert isinstance(found.pop(5), Conflict)
        assert all(isinstance(each, list) for each in found)
        assert (await Event.count(), await Delivery.count()) == (11, 11)
        await engine.work()

    async def test_what_the_database_refuses_fails_its_own_call_only(
        self, engine: Engine
    ):
        """Nothing of the sort should get so far; if it does, others must not suffer."""
        odd = replace(GOOD, sending="x" * 50)
        calls = [[NewEvent(TYPE, b"1")], [odd], [NewEvent(TYPE, b"2")]]
        first, second, third = await asyncio.gather(
            *(engine.post_all(call) for call in calls), return_exceptions=True
        )
        assert isinstance(first, list)
        assert isinstance(third, list)
        if engine.is_postgres:  # SQLite takes texts of any length
            assert isinstance(second, Exception)
            assert await Event.count() == 2

    async def test_receipts_come_in_the_order_of_the_events(self, engine: Engine):
        await make.event_type(engine.account, "order.paid")
        await engine.webhook(events=("order.paid",))
        types = [TYPE, "order.paid"] * 20
        receipts = await engine.post_all(
            [NewEvent(type, b"1", key=f"{n}") for n, type in enumerate(types)]
        )
        assert [r.key for r in receipts] == [f"{n}" for n in range(40)]
        assert [r.deliveries for r in receipts] == [0, 1] * 20
        await engine.work()

    async def test_a_caller_that_leaves_cancels_nothing(self, engine: Engine):
        leaving = [asyncio.create_task(engine.post(b"1")) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        await engine.post(b"2")
        assert await Event.count() == 11

    async def test_a_call_for_very_many_webhooks_is_whole(self, engine: Engine):
        """It gets a transaction of its own."""
        for number in range(6):
            await engine.webhook(f"/{number}")
        await engine.post()
        events = [NewEvent(TYPE, b"1") for _ in range(1000)]
        other, _ = await asyncio.gather(engine.post(), engine.post_all(events))
        assert other.deliveries == 6
        assert await Delivery.count() == 6 * 1002
        for row in (await webhooks.page(engine.account)).items:
            await engine.delete(row.id)
        await engine.work()

    @pytest.mark.parametrize(("events", "commits"), [(3, 1), (4, 2)])
    async def test_a_large_call_is_committed_alone(
        self, engine: Engine, monkeypatch, queries, events: int, commits: int
    ):
        """The others share one transaction."""
        monkeypatch.setattr(acceptor, "_COMPANY_ROWS", 3)
        await engine.webhook()
        await engine.post()  # so that it is known how many deliveries a call makes
        calls = [[NewEvent(TYPE, b"1")] * count for count in (1, events, 1)]
        with queries() as seen:
            await asyncio.gather(*map(engine.post_all, calls))
        starts = [sql for sql in seen if sql.startswith("SELECT id, version")]
        assert len(starts) == commits
        await engine.work()

    async def test_what_is_committed_together_is_no_more_than_memory_bears(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch, queries
    ):
        """Each alone where it is larger than that; in the order they came."""
        monkeypatch.setattr(acceptor, "_COMPANY_BYTES", 30)
        await engine.webhook()
        await engine.post()
        data = [b'"%s"' % (b"x" * size) for size in (8, 8, 8, 98, 8)]
        with queries() as seen:
            await asyncio.gather(*(engine.post(each) for each in data))
        starts = [sql for sql in seen if sql.startswith("SELECT id, version")]
        assert len(starts) == 3
        stored = await Event.select(Event.data).order_by(Event.accepted_at, Event.id)
        assert [row["data"].encode() for row in stored[1:]] == data
        await engine.work()

    async def test_a_call_for_far_too_many_deliveries_is_refused_whole(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(acceptor, "_MOST_ROWS", 5)
        for number in range(3):
            await engine.webhook(f"/{number}")
        with pytest.raises(LimitReached, match="would make 6 deliveries"):
            await engine.post_all([NewEvent(TYPE, b"1")] * 2)
        assert await Event.count() == 0
        assert (await engine.post()).deliveries == 3
        await engine.work()


class TestWhoGetsIt:
    async def test_held_for_as_long_as_the_webhook_says(self, engine: Engine):
        webhook = await engine.webhook(hold_days=3)
        await engine.pause(webhook)
        await engine.post()
        (row,) = await Delivery.objects()
        assert row.held_until == row.created_at + timedelta(days=3)
        assert not row.due
        await engine.work()

    async def test_other_accounts_webhooks_get_nothing(
        self, engine: Engine, cast: Cast
    ):
        new = NewWebhook(url=engine.receiver.url, events=("*",))
        charlie = cast.charlie.at(engine.runtime.clock())
        row, _ = await webhooks.create(charlie, new, engine.runtime.vault, True)
        await lifecycle.activate(charlie, row.id, None)
        assert (await engine.post()).deliveries == 0
