"""What the first page and the probes count."""

from datetime import timedelta

from callboard.database import reading, writing
from callboard.delivery import ledger
from callboard.delivery.states import Lane
from callboard.delivery.workers import Watch, bury
from callboard.insight import explanation, overview
from callboard.upkeep import readiness
from tests.cast import Cast
from tests.engine import Engine
from tests.receiver import Answer
from tests.replaying import failed, start


async def test_calls_are_counted_by_what_came_of_them(engine: Engine, cast: Cast):
    good = await engine.webhook("/good")
    bad = await engine.webhook("/bad", schedule=(1,), deactivate_after=None)
    engine.receiver.usually["/bad"] = Answer(500)
    async with engine.working():
        for _ in range(3):
            await engine.post()
        await engine.settled()
    now = engine.runtime.clock()
    found = await overview.figures(engine.account, now)
    assert (found.delivered, found.tried_again, found.failed) == (3, 3, 3)
    assert (found.finished, found.success_rate) == (6, 0.5)
    assert len(found.bars) == 48
    assert sum(bar.delivered for bar in found.bars[-2:]) == 3
    alone = await overview.figures(engine.account, now, webhook=good)
    assert (alone.delivered, alone.failed, alone.success_rate) == (3, 0, 1.0)
    busiest = await overview.by_webhook(engine.account, now - timedelta(hours=1))
    assert [each.webhook for each in busiest] == [bad, good]
    theirs = await overview.figures(cast.charlie.account, now)
    assert (theirs.finished, theirs.success_rate) == (0, None)
    assert await overview.count_events(engine.account, now - timedelta(hours=1)) == 3
    assert await overview.count_events(engine.account, now + timedelta(hours=1)) == 0


async def test_what_is_due_and_could_be_called_counts_as_waiting(engine: Engine):
    await engine.webhook("/a")
    paused = await engine.webhook("/b")
    await engine.post()
    await engine.pause(paused)
    now = engine.runtime.clock()
    later = now + timedelta(minutes=5)
    async with reading() as db:
        waited = await readiness.oldest_due(db, later, engine.account)
        assert await readiness.oldest_due(db, later, "acc_other") == timedelta()
    assert timedelta(seconds=299) < waited < timedelta(seconds=310)
    alarm = await readiness.alarm(engine.account, later)
    assert alarm
    assert timedelta(seconds=299) < alarm.waited < timedelta(seconds=310)
    assert alarm.cause == "no worker is running"
    assert await readiness.alarm(engine.account, now) is None
    await engine.work()
    assert await readiness.alarm(engine.account, later) is None


async def test_a_replay_that_no_worker_makes_is_noticed(engine: Engine):
    await start(engine, await failed(engine, 1))
    now = engine.runtime.clock()
    later = now + timedelta(minutes=5)
    alarm = await readiness.alarm(engine.account, later)
    assert alarm
    assert alarm.cause == "no worker is running"
    assert await readiness.alarm(engine.account, now) is None
    assert await readiness.alarm("acc_other", later) is None
    await Watch("wrk_a").beat(later)
    assert await readiness.alarm(engine.account, later) is None
    await bury("wrk_a", later)


async def test_a_worker_that_stopped_with_a_call_under_way_is_noticed(engine: Engine):
    """It holds the only call that its webhook may have: nothing else could be called
    while it lives. A minute later everybody knows that it does not."""
    await engine.webhook(concurrency=1)
    for _ in range(2):
        await engine.post()
    await Watch("wrk_a").beat(engine.runtime.clock())
    async with writing() as db:
        now = engine.runtime.clock()
        assert await ledger.claim(db, Lane.UNTRIED, 5, "wrk_a/1", now)
    in_a_minute = now + timedelta(seconds=59)
    alarm = await readiness.alarm(engine.account, in_a_minute)
    assert alarm
    assert alarm.cause == "no worker is running"
    found = await readiness.look(engine.runtime.queue, in_a_minute)
    assert (found.workers, round(found.oldest_due_seconds)) == (0, 59)
    await Watch("wrk_a").beat(in_a_minute)
    assert await readiness.alarm(engine.account, in_a_minute) is None
    await bury("wrk_a", engine.runtime.clock())
    async with engine.working():
        await engine.settled()


async def test_a_retry_in_an_hour_is_no_reason_to_worry(engine: Engine):
    await engine.webhook(schedule=(7200,))
    engine.receiver.script("/", 500)
    await engine.post()
    async with engine.working():
        await engine.receiver.got(1)
    later = engine.runtime.clock() + timedelta(hours=1)
    assert await readiness.alarm(engine.account, later) is None
    async with writing() as db:  # no worker shall wait for it
        await db.fetch("DELETE FROM delivery")
        await db.fetch("DELETE FROM event")


async def test_each_webhook_that_was_passed_over_says_why(engine: Engine):
    wanted = await engine.webhook("/wanted")
    other = await engine.webhook("/other", events=("order.*",))
    draft = await engine.webhook("/draft", active=False)
    receipt = await engine.post()
    late = await engine.webhook("/late")
    await engine.work()
    story = await explanation.of_event(engine.account, receipt.id)
    assert [each.webhook for each in story.deliveries] == [wanted]
    why = {each.webhook: each.why for each in story.passed}
    assert why.keys() == {other, draft, late}
    assert "order.*" in why[other]
    assert "draft" in why[draft]
    assert "after the event" in why[late]
