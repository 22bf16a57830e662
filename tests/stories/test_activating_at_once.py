"""A person is as quick as the rule: the choice is made before anything was held."""

import asyncio

import pytest

from callboard import spells
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine
from tests.receiver import Answer

EIGHT = [NewEvent(TYPE, b"%d" % number) for number in range(8)]


async def stopped(engine: Engine, webhook: str, *workers: str) -> None:
    """Deactivated a moment ago: no step of its deliveries was made yet."""
    while await engine.state(webhook) != "deactivated":
        await spells.deactivate_waiting(engine.runtime.clock)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("ordered", [False, True])
async def test_what_failed_goes_first_then_what_waited_then_what_is_new(
    engine: Engine, ordered: bool
):
    webhook = await engine.webhook(schedule=(), concurrency=1, ordered=ordered)
    engine.receiver.usually["/"] = Answer(503)
    await engine.post_all(EIGHT)
    async with engine.working():
        await engine.receiver.got(5)
        await stopped(engine, webhook)
        tried = len(engine.receiver.calls)
        engine.receiver.usually.clear()
        await engine.activate(webhook, "deliver")
        if ordered:
            await engine.post(b"8")
        await engine.settled()
    calls = [call.data for call in engine.receiver.calls[tried:]]
    assert calls == [*range(8 + ordered)]
    assert set(await engine.states()) == {"delivered"}


async def test_what_failed_is_discarded_with_the_rest(engine: Engine):
    webhook = await engine.webhook(schedule=(), concurrency=1)
    engine.receiver.usually["/"] = Answer(503)
    await engine.post_all(EIGHT)
    async with engine.working():
        await engine.receiver.got(5)
        await stopped(engine, webhook)
        tried = len(engine.receiver.calls)
        engine.receiver.usually.clear()
        await engine.activate(webhook, "discard")
        await engine.followed()
        await engine.post(b"8")
        await engine.settled()
    assert [call.data for call in engine.receiver.calls[tried:]] == [8]
    assert await engine.states() == ["cancelled"] * 8 + ["delivered"]


async def test_delivering_after_a_discard_needs_no_waiting_either(engine: Engine):
    """What was discarded stays so; what came since goes out."""
    webhook = await engine.webhook()
    await engine.pause(webhook)
    await engine.post(b"0")
    await engine.activate(webhook, "discard")
    await engine.pause(webhook)
    await engine.post(b"1")
    await engine.activate(webhook, "deliver")
    async with engine.working():
        await engine.settled()
    assert await engine.states() == ["cancelled", "delivered"]


async def test_a_call_from_before_neither_stops_it_again_nor_is_lost(engine: Engine):
    """It was under way all the time, and fails when the webhook is active again."""
    webhook = await engine.webhook(schedule=(), deactivate_after=5, concurrency=4)
    gate = asyncio.Event()
    async with engine.working("wrk_a", "wrk_b"):
        await engine.post(b"0")
        await engine.settled()
        engine.receiver.script("/", Answer(503, gate=gate), 410)
        await engine.post(b"1")
        await engine.receiver.got(2)
        await engine.post(b"2")
        await stopped(engine, webhook)
        await engine.activate(webhook, "deliver")
        await engine.receiver.got(4)
        gate.set()
        await engine.receiver.got(5)
        await engine.settled()
        assert await engine.state(webhook) == "active"
    assert [call.data for call in engine.receiver.calls] == [0, 1, 2, 2, 1]
    assert await engine.states() == ["delivered"] * 3


async def test_where_order_counts_such_a_call_goes_again_before_the_others(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=(), ordered=True)
    gate = asyncio.Event()
    engine.receiver.script("/", Answer(503, gate=gate))
    async with engine.working():
        await engine.post(b"0")
        await engine.receiver.got(1)
        await engine.post(b"1")
        await engine.pause(webhook)
        await engine.activate(webhook, "deliver")
        gate.set()
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [0, 0, 1]
    assert await engine.states() == ["delivered"] * 2


async def test_of_two_people_one_decides(engine: Engine):
    webhook = await engine.webhook(schedule=(), concurrency=1)
    engine.receiver.usually["/"] = Answer(503)
    await engine.post_all(EIGHT)
    async with engine.working("wrk_a", "wrk_b"):
        await engine.receiver.got(5)
        await stopped(engine, webhook)
        tried = len(engine.receiver.calls)
        engine.receiver.usually.clear()
        choices = ("deliver", "discard") * 3
        await asyncio.gather(*(engine.activate(webhook, each) for each in choices))
        await engine.settled()
    came = [call.data for call in engine.receiver.calls[tried:]]
    states = set(await engine.states())
    assert (came, states) in (
        ([*range(8)], {"delivered"}),
        ([], {"cancelled"}),
    )
