"""Replays of what a webhook would have wanted and never got."""

from callboard.catalogue import contexts
from callboard.catalogue.contexts import Tag
from callboard.database import writing
from callboard.ingest import NewEvent
from callboard.matching.context import Context, TagFilter
from tests import make
from tests.engine import Engine
from tests.replaying import OTHER, count, failed, finished, made, start


async def test_a_new_webhook_gets_what_came_before_it(engine: Engine):
    await make.event_type(engine.account, OTHER)
    sent = [await engine.post(b"%d" % number) for number in range(30)]
    await engine.post_all([NewEvent(OTHER, b"{}")])
    webhook = await engine.webhook(events=("contact.*",))
    assert await count(engine, webhook, missing=True) == 30
    replay = await start(engine, webhook, missing=True)
    async with engine.working():
        report = await finished(engine, replay)
    assert (report.made, report.delivered) == (30, 30)
    got = sorted(call.id for call in engine.receiver.calls)
    assert got == sorted(receipt.id for receipt in sent)
    assert await made(engine) == [None] * 30
    assert await count(engine, webhook, missing=True) == 0


async def test_what_expired_while_it_was_held_was_never_sent(engine: Engine):
    webhook = await engine.webhook(hold_days=1)
    await engine.post()
    await engine.pause(webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET state = 'expired', reason = 'held too long',"
            " held_until = NULL, finished_at = :now",
            now=engine.runtime.clock(),
        )
    await engine.activate(webhook)
    replay = await start(engine, webhook, missing=True)
    async with engine.working():
        assert (await finished(engine, replay)).delivered == 2
    assert await made(engine) == [1, 2]


async def test_only_what_passes_the_filters_of_today_is_missing(engine: Engine):
    for number in range(30):
        await engine.post(b'{"n": %d}' % number, context=("region.7",))
    await engine.post(b'{"n": 1}')
    context = Context((TagFilter("region.3", True),))
    conditions = {"n:gte": 10, "n:lt": 25}
    webhook = await engine.webhook(conditions=conditions, context=context)
    assert await count(engine, webhook, missing=True) == 0
    tree = [Tag("region.7", "region.3")]
    await contexts.replace(engine.by, tree)
    assert await count(engine, webhook, missing=True) == 15
    replay = await start(engine, webhook, missing=True)
    async with engine.working():
        done = await finished(engine, replay)
    assert (done.made, done.delivered, done.skipped) == (15, 15, 0)
    assert len(engine.receiver.calls) == 15
    assert await count(engine, webhook, missing=True) == 0


async def test_what_was_tried_waits_or_was_discarded_is_not_missing(engine: Engine):
    webhook = await failed(engine, 1)
    await engine.pause(webhook)
    await engine.post()
    async with engine.working():
        await engine.followed()
    await engine.activate(webhook, "discard")
    await engine.work()
    await engine.post()
    assert await engine.states() == ["failed", "cancelled", "pending"]
    assert await count(engine, webhook, missing=True) == 0
