"""Replays that are paused, cancelled, slowed and met by failures."""

from datetime import timedelta

import pytest

from callboard.errors import Conflict
from callboard.replays import progress, replays, running
from callboard.replays.selection import Selection
from tests.engine import KEEP, Engine, eventually
from tests.receiver import Answer
from tests.replaying import PLACES, failed, finished, made, start, steps


async def test_a_paused_one_makes_no_more_until_it_goes_on(engine: Engine):
    webhook = await failed(engine, 30)
    replay = await start(engine, webhook)
    now = await steps(engine, 1)
    paused = await replays.pause(engine.by, replay.id)
    await steps(engine, 3, now)
    assert paused.state == "paused"
    assert len(await made(engine)) == paused.made == 2
    with pytest.raises(Conflict, match="under way"):
        await replays.start(engine.by, Selection(webhook=webhook), KEEP)
    await replays.resume(engine.by, replay.id)
    async with engine.working():
        assert (await finished(engine, replay)).delivered == 30


async def test_cancelling_takes_back_what_waits(engine: Engine):
    webhook = await failed(engine, 30)
    replay = await start(engine, webhook)
    now = await steps(engine, 1)
    await replays.cancel(engine.by, replay.id)
    await steps(engine, 3, now)
    report = await progress.get(engine.account, replay.id)
    assert (report.state, report.made, report.cancelled) == ("cancelled", 2, 2)
    assert report.done == 2
    rows = await engine.rows("SELECT state, reason FROM delivery WHERE extra")
    assert {tuple(r.values()) for r in rows} == {("cancelled", "replay cancelled")}
    with pytest.raises(Conflict):
        await replays.resume(engine.by, replay.id)
    again = await replays.cancel(engine.by, replay.id)
    assert again.state == "cancelled"


async def test_a_call_under_way_when_it_is_cancelled_ends_by_itself(engine: Engine):
    webhook = await failed(engine, 3, concurrency=1)
    gate = engine.receiver.close_gate("/")
    replay = await start(engine, webhook)
    async with engine.working():
        await engine.receiver.got(1)
        await replays.cancel(engine.by, replay.id)
        gate.set()

        async def met() -> bool:
            now = await progress.get(engine.account, replay.id)
            return now.made == now.done

        await eventually(met)
    report = await progress.get(engine.account, replay.id)
    assert (report.delivered, report.cancelled) == (1, report.made - 1)


async def test_it_waits_for_a_paused_webhook_and_ends_with_a_deleted_one(
    engine: Engine,
):
    webhook = await failed(engine, 20, name="CRM")
    replay = await start(engine, webhook)
    await engine.pause(webhook)
    now = await steps(engine, 3)
    seen = await progress.get(engine.account, replay.id)
    assert (seen.made, seen.state) == (0, "running")
    assert seen.waits_for == "CRM is paused: activate it to go on."
    await engine.delete(webhook)
    await steps(engine, 1, now)
    assert (await progress.get(engine.account, replay.id)).state == "cancelled"


async def test_few_wait_at_once_and_fewer_when_nothing_is_taken(engine: Engine):
    webhook = await failed(engine, 60)
    await start(engine, webhook)
    await steps(engine, 10)
    assert len(await made(engine)) == 2


async def test_its_own_rate_holds(engine: Engine):
    webhook = await failed(engine, 12)
    replay = await start(engine, webhook, rate_per_second=4)
    began = engine.runtime.clock()
    async with engine.working():
        await finished(engine, replay)
    took = (engine.runtime.clock() - began).total_seconds()
    assert took > (12 - 4 - 1) / 4


async def test_a_failing_receiver_is_probed_and_no_more(engine: Engine):
    webhook = await failed(engine, 50)
    await engine.change(webhook, schedule=(3600,))
    engine.receiver.usually["/"] = Answer(500)
    replay = await start(engine, webhook)

    async def met() -> bool:
        return (await progress.get(engine.account, replay.id)).made == 20

    async with engine.working():
        await eventually(met)
        now = engine.runtime.clock()
        await running.advance(now + timedelta(seconds=2), PLACES)
    seen = await progress.get(engine.account, replay.id)
    assert (seen.made, seen.done) == (20, 0)
    assert seen.waits_for
    assert "fails" in seen.waits_for
