"""Accepting events: once per key, all or nothing, and every problem at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from callboard.delivery.tables import Delivery, Event
from callboard.errors import Conflict, Invalid, NotFound, Problem
from callboard.ingest import Acceptor, NewEvent
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, WHO, Engine

GOOD = NewEvent(TYPE, b'{"a": 1, "b": [true, 1.5]}', key="k")


async def problems(engine: Engine, *events: NewEvent) -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in await refused(engine, *events)]


async def refused(engine: Engine, *events: NewEvent) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as found:
        await engine.post_all(list(events))
    assert await Event.count() == 0
    return found.value.problems


class TestKeys:
    async def test_the_same_key_again_answers_with_the_first_receipt(
        self, engine: Engine
    ):
        await engine.webhook()
        (first,) = await engine.post_all([GOOD])
        await engine.webhook()
        (again,) = await engine.post_all([GOOD])
        assert not first.duplicate
        assert again == replace(first, duplicate=True)
        assert (await Event.count(), await Delivery.count()) == (1, 1)
        await engine_done(engine)

    async def test_spelling_of_the_same_json_makes_no_difference(self, engine: Engine):
        await engine.post_all([GOOD])
        again = replace(GOOD, data=b'{"b":[true,1.5],\n"a":1}')
        assert (await engine.post_all([again]))[0].duplicate

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"type": "order.paid"}, id="type"),
            pytest.param({"data": b"{}"}, id="data"),
            pytest.param({"data": b'{"a": true, "b": [true, 1.5]}'}, id="1 and true"),
            pytest.param({"data": b'{"a": 1.0, "b": [true, 1.5]}'}, id="1 and 1.0"),
            pytest.param({"data": b'{"a": 1, "b": [1.5, true]}'}, id="order"),
            pytest.param({"context": ("region.7",)}, id="context"),
            pytest.param({"sending": "batch"}, id="sending"),
            pytest.param({"kind": "newsletter"}, id="kind"),
            pytest.param({"occurred_at": make.NOW}, id="occurred_at"),
        ],
    )
    async def test_the_same_key_for_something_else_is_a_conflict(
        self, engine: Engine, other: dict[str, Any]
    ):
        await make.event_type(engine.account, "order.paid")
        await engine.post_all([GOOD])
        with pytest.raises(Conflict):
            await engine.post_all([replace(GOOD, **other)])
        assert await Event.count() == 1

    async def test_a_time_that_is_given_again_may_come_from_another_zone(
        self, engine: Engine
    ):
        at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
        await engine.post_all([replace(GOOD, occurred_at=at)])
        elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=45)))
        for time in (at, elsewhere, None):
            (receipt,) = await engine.post_all([replace(GOOD, occurred_at=time)])
            assert receipt.duplicate

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"1e999", id="beyond floats"),
            pytest.param(b"9" * 5000, id="beyond integers"),
            pytest.param(b"123456789012345678901234567890", id="big"),
            pytest.param(b"[" * 400 + b"]" * 400, id="deep"),
            pytest.param(b"[" * 100_000 + b"]" * 100_000, id="very deep"),
            pytest.param(b'{"a": 1, "a": 2}', id="twice"),
            pytest.param(b'"\\u0000"', id="escaped NUL"),
        ],
    )
    async def test_odd_data_is_kept_and_recognised(self, engine: Engine, data: bytes):
        event = replace(GOOD, data=data)
        for duplicate in (False, True):
            (receipt,) = await engine.post_all([event])
            assert receipt.duplicate is duplicate
        row = await Event.objects().first()
        assert row
        assert row.data.encode() == data
        with pytest.raises(Conflict):
            await engine.post_all([replace(GOOD, data=b"[1]")])

    async def test_a_thousand_at_once_with_one_key_are_one_event(self, engine: Engine):
        await engine.webhook()
        found = await asyncio.gather(*(engine.post_all([GOOD]) for _ in range(1000)))
        receipts = [receipt for (receipt,) in found]
        assert len({receipt.id for receipt in receipts}) == 1
        assert [receipt.duplicate for receipt in receipts].count(False) == 1
        assert (await Event.count(), await Delivery.count()) == (1, 1)
        await engine_done(engine)

    async def test_processes_that_accept_one_key_at_once_agree(self, engine: Engine):
        await engine.webhook()
        processes = [Acceptor(engine.ring) for _ in range(4)]
        now = engine.runtime.clock
        keys = [replace(GOOD, key=f"k{n}") for n in range(25)]
        found = await asyncio.gather(
            *(
                process.accept(engine.account, [event], now())
                for process in processes
                for event in keys
            ),
            *(process.accept(engine.account, keys, now()) for process in processes),
            *(p.accept(engine.account, keys[::-1], now()) for p in processes),
        )
        receipts = [receipt for each in found for receipt in each]
        for event in keys:
            mine = [r for r in receipts if r.key == event.key]
            assert len({r.id for r in mine}) == 1
            assert [r.duplicate for r in mine].count(False) == 1
        assert (await Event.count(), await Delivery.count()) == (25, 25)
        await engine_done(engine)

    async def test_a_key_is_each_accounts_own(self, engine: Engine, cast: Cast):
        await make.event_type(cast.charlie.account, TYPE)
        (ours,) = await engine.post_all([GOOD])
        now = engine.runtime.clock()
        other = replace(GOOD, data=b"2")
        (theirs,) = await engine.acceptor.accept(cast.charlie.account, [other], now)
        assert not theirs.duplicate
        assert ours.id != theirs.id

    async def test_keys_may_be_any_text(self, engine: Engine):
        for key in ("", "x" * 257):
            with pytest.raises(Invalid):
                await engine.post_all([replace(GOOD, key=key)])
        keys = ["x" * 256, "ü" * 256, "😀" * 256, "'; --", "%_\\", '"', "\u2028", " "]
        events = [replace(GOOD, key=key) for key in keys]
        receipts = await engine.post_all(events)
        assert [receipt.key for receipt in receipts] == keys
        assert all(r.duplicate for r in await engine.post_all(events))


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
        await engine_done(engine)

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
        await engine_done(engine)

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
        async with engine.working():
            await engine.settled()


class TestWhatIsWrong:
    async def test_every_problem_of_every_event_comes_at_once(self, engine: Engine):
        schema = {"type": "object", "required": ["id"]}
        await make.event_type(engine.account, "order.paid", schema)
        assert await problems(
            engine,
            NewEvent("contact.creatd", b"{}", key=""),
            GOOD,
            NewEvent("order.paid", b"[]"),
            NewEvent(TYPE, b"\xff"),
            NewEvent(TYPE, b"1", kind="a\0b"),
        ) == [
            ("events[0].type", "unknown_type"),
            ("events[0].id", "length"),
            ("events[2].data", "type"),
            ("events[3].data", "text"),
            ("events[4].kind", "text"),
        ]

    async def test_an_unknown_type_gets_the_nearest_names(self, engine: Engine):
        (problem,) = await refused(engine, NewEvent("contact.creatd", b"{}"))
        assert problem.field == "type"
        assert TYPE in problem.message

    async def test_a_schema_is_enforced_with_pointers(self, engine: Engine):
        schema = {
            "type": "object",
            "properties": {
                "a/b": {"type": "object", "properties": {"n": {"type": "integer"}}},
                "list": {"items": {"maximum": 5}},
            },
        }
        await make.event_type(engine.account, "order.paid", schema)
        data = b'{"a/b": {"n": "x"}, "list": [1, 9]}'
        assert sorted(await problems(engine, NewEvent("order.paid", data))) == [
            ("data/a~1b/n", "type"),
            ("data/list/1", "maximum"),
        ]

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"1e999", id="number"),
            pytest.param(b"[" * 900 + b"]" * 900, id="deep"),
            pytest.param(b"[" * 100_000 + b"]" * 100_000, id="very deep"),
        ],
    )
    async def test_what_cannot_be_held_against_a_schema_is_refused(
        self, engine: Engine, data: bytes
    ):
        await make.event_type(engine.account, "order.paid", {"type": "object"})
        ((field, _),) = await problems(engine, NewEvent("order.paid", data))
        assert field == "data"

    @pytest.mark.parametrize(
        "event",
        [
            pytest.param(NewEvent(TYPE, b'"a\0b"'), id="NUL in data"),
            pytest.param(NewEvent(TYPE, b'"\xff"'), id="no UTF-8"),
            pytest.param(NewEvent(TYPE, b'"\xed\xa0\x80"'), id="surrogate bytes"),
            pytest.param(NewEvent(TYPE, b"1", key="a\0"), id="NUL in the key"),
            pytest.param(NewEvent(TYPE, b"1", context=("a\0",)), id="in the context"),
            pytest.param(NewEvent(TYPE, b"1", kind="x" * 81), id="long kind"),
            pytest.param(NewEvent(TYPE, b"1", kind="\ud800"), id="lone surrogate"),
            pytest.param(NewEvent(TYPE, b"1", key="\ud800"), id="surrogate in a key"),
            pytest.param(
                NewEvent(TYPE, b"1", context=("\udfff",)), id="surrogate in a tag"
            ),
            pytest.param(NewEvent("", b"1"), id="no type"),
            pytest.param(NewEvent("x" * 10_000, b"1"), id="long type"),
            pytest.param(NewEvent("\0", b"1"), id="NUL in the type"),
        ],
    )
    async def test_what_no_database_takes_is_refused(self, engine: Engine, event):
        await problems(engine, event)

    async def test_an_account_that_is_no_more_is_not_found(self, engine: Engine):
        now = engine.runtime.clock()
        with pytest.raises(NotFound):
            await engine.acceptor.accept("acc_gone", [GOOD], now)

    async def test_a_type_added_a_moment_ago_is_known_at_once(self, engine: Engine):
        event = NewEvent("order.paid", b"1")
        await problems(engine, event)
        await make.event_type(engine.account, "order.paid")
        await engine.post_all([event])


class TestWhoGetsIt:
    async def test_held_for_as_long_as_the_webhook_says(self, engine: Engine):
        webhook = await engine.webhook(hold_days=3)
        await engine.pause(webhook)
        await engine.post()
        row = await Delivery.objects().first()
        assert row
        assert row.held_until == row.created_at + timedelta(days=3)
        assert row.due is None
        await engine_done(engine)

    async def test_other_accounts_webhooks_get_nothing(
        self, engine: Engine, cast: Cast
    ):
        new = NewWebhook(url=engine.receiver.url, events=("*",))
        vault, now = engine.runtime.vault, engine.runtime.clock()
        theirs = cast.charlie.account
        row, _ = await webhooks.create(theirs, WHO, new, vault, True, now)
        await lifecycle.activate(theirs, WHO, row.id, None, now)
        assert (await engine.post()).deliveries == 0


async def engine_done(engine: Engine) -> None:
    async with engine.working():
        await engine.settled()
