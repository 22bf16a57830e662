"""The same key again is the same event, whoever posts it and when."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from callboard.delivery.tables import Delivery, Event
from callboard.errors import Conflict, Invalid
from callboard.ingest import Acceptor, NewEvent
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine

GOOD = NewEvent(TYPE, b'{"a": 1, "b": [true, 1.5]}', key="k")


async def test_the_same_key_again_answers_with_the_first_receipt(engine: Engine):
    await engine.webhook()
    (first,) = await engine.post_all([GOOD])
    await engine.webhook()
    (again,) = await engine.post_all([GOOD])
    assert not first.duplicate
    assert again == replace(first, duplicate=True)
    assert (await Event.count(), await Delivery.count()) == (1, 1)
    await engine.work()


async def test_spelling_of_the_same_json_makes_no_difference(engine: Engine):
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
    engine: Engine, other: dict[str, Any]
):
    await make.event_type(engine.account, "order.paid")
    await engine.post_all([GOOD])
    with pytest.raises(Conflict):
        await engine.post_all([replace(GOOD, **other)])
    assert await Event.count() == 1


async def test_a_time_that_is_given_again_may_come_from_another_zone(engine: Engine):
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
async def test_odd_data_is_kept_and_recognised(engine: Engine, data: bytes):
    event = replace(GOOD, data=data)
    for duplicate in (False, True):
        (receipt,) = await engine.post_all([event])
        assert receipt.duplicate is duplicate
    row = await Event.objects().first()
    assert row
    assert row.data.encode() == data
    with pytest.raises(Conflict):
        await engine.post_all([replace(GOOD, data=b"[1]")])


async def test_a_thousand_at_once_with_one_key_are_one_event(engine: Engine):
    await engine.webhook()
    found = await asyncio.gather(*(engine.post_all([GOOD]) for _ in range(1000)))
    receipts = [receipt for (receipt,) in found]
    assert len({receipt.id for receipt in receipts}) == 1
    assert [receipt.duplicate for receipt in receipts].count(False) == 1
    assert (await Event.count(), await Delivery.count()) == (1, 1)
    await engine.work()


async def test_processes_that_accept_one_key_at_once_agree(engine: Engine):
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
    await engine.work()


async def test_a_key_is_each_accounts_own(engine: Engine, cast: Cast):
    await make.event_type(cast.charlie.account, TYPE)
    (ours,) = await engine.post_all([GOOD])
    now = engine.runtime.clock()
    other = replace(GOOD, data=b"2")
    (theirs,) = await engine.acceptor.accept(cast.charlie.account, [other], now)
    assert not theirs.duplicate
    assert ours.id != theirs.id
    (again,) = await engine.acceptor.accept(cast.charlie.account, [other], now)
    assert (again.id, again.duplicate) == (theirs.id, True)
    (again,) = await engine.post_all([GOOD])
    assert (again.id, again.duplicate) == (ours.id, True)


async def test_keys_may_be_any_text(engine: Engine):
    for key in ("", "x" * 257):
        with pytest.raises(Invalid):
            await engine.post_all([replace(GOOD, key=key)])
    keys = ["x" * 256, "ü" * 256, "😀" * 256, "'; --", "%_\\", '"', "\u2028", " "]
    events = [replace(GOOD, key=key) for key in keys]
    receipts = await engine.post_all(events)
    assert [receipt.key for receipt in receipts] == keys
    assert all(r.duplicate for r in await engine.post_all(events))
