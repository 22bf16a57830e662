"""What was held goes out again: in order, at the webhook's pace, in nobody's way."""

from typing import Any

from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine
from tests.receiver import Answer

MANY = 600


async def held(engine: Engine, path: str, count: int, **more: Any) -> str:
    webhook = await engine.webhook(path, **more)
    await engine.pause(webhook)
    events = [NewEvent(TYPE, b"%d" % number) for number in range(count)]
    await engine.post_all(events)
    async with engine.working():
        await engine.followed()
    return webhook


async def test_the_oldest_goes_first_and_the_webhooks_rate_holds(engine: Engine):
    webhook = await held(engine, "/", 24, rate_per_second=20, concurrency=1)
    await engine.activate(webhook, "deliver")
    async with engine.working():
        calls = await engine.receiver.got(24)
        await engine.settled()
    assert [call.data for call in calls] == list(range(24))
    assert calls[-1].at - calls[0].at > (24 - 20 - 1) / 20


async def test_an_ordered_webhook_drains_before_live_events(engine: Engine):
    webhook = await held(engine, "/", 20, ordered=True)
    await engine.activate(webhook, "deliver")
    await engine.post(b"20")
    async with engine.working():
        await engine.post(b"21")
        calls = await engine.receiver.got(22)
        await engine.settled()
    assert [call.data for call in calls] == list(range(22))


async def test_other_webhooks_do_not_feel_it(engine: Engine):
    webhook = await held(engine, "/drains", MANY, concurrency=64)
    live = await engine.webhook("/live", events=(TYPE,))
    engine.receiver.usually["/drains"] = Answer(takes=0.05)
    await engine.pause(live)
    await engine.activate(live)
    await engine.activate(webhook, "deliver")
    async with engine.working():
        await engine.receiver.got(1, "/drains")
        await engine.post()
        (call,) = await engine.receiver.got(1, "/live")
        await engine.settled()
    before = [c for c in engine.receiver.at("/drains") if c.at < call.at]
    assert len(before) < MANY / 2


async def test_live_events_of_the_webhook_itself_are_not_far_behind(engine: Engine):
    webhook = await held(engine, "/", MANY, concurrency=10)
    engine.receiver.usually["/"] = Answer(takes=0.02)
    await engine.activate(webhook, "deliver")
    async with engine.working():
        await engine.receiver.got(1)
        live = await engine.post(b'"live"')
        await engine.settled()
    calls = engine.receiver.calls
    (place,) = [n for n, call in enumerate(calls) if call.id == live.id]
    assert place < 300
    assert [call.data for call in calls[:1]] == [0]
    assert len(calls) == MANY + 1


async def test_however_many_live_events_wait_an_ordered_webhook_drains(engine: Engine):
    webhook = await held(engine, "/", 150, ordered=True)
    await engine.activate(webhook, "deliver")
    live = [NewEvent(TYPE, b"%d" % number) for number in range(150, 450)]
    await engine.post_all(live)
    async with engine.working():
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == list(range(450))
