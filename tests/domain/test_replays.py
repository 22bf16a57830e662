"""Many deliveries made again as one job: exactly the selected ones, each once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from callboard.catalogue import contexts
from callboard.catalogue.contexts import Tag
from callboard.database import writing
from callboard.errors import Conflict, Invalid, NotFound
from callboard.ingest import NewEvent
from callboard.matching.context import Context, TagFilter
from callboard.replays import progress, replays, running
from callboard.replays.progress import ReplayView
from callboard.replays.selection import Selection
from tests import make
from tests.engine import KEEP, TYPE, WHO, Engine, eventually
from tests.receiver import Answer

OTHER = "order.paid"
PLACES = 100


async def failed(engine: Engine, count: int, **more: Any) -> str:
    """A webhook to which so many deliveries have failed, and that works again."""
    webhook = await engine.webhook(schedule=(), deactivate_after=None, **more)
    engine.receiver.usually["/"] = Answer(500)
    async with engine.working():
        for number in range(count):
            await engine.post(b"%d" % number)
        await engine.settled()
    engine.receiver.usually.clear()
    engine.receiver.calls.clear()
    await well(engine)
    return webhook


async def well(engine: Engine) -> None:
    async with writing() as db:
        await db.fetch("UPDATE health SET since = NULL")


async def start(engine: Engine, webhook: str, **more: Any) -> ReplayView:
    wanted, now = Selection(webhook=webhook, **more), engine.runtime.clock()
    return await replays.start(engine.account, WHO, wanted, KEEP, now)


async def count(engine: Engine, webhook: str, **more: Any) -> int:
    wanted, now = Selection(webhook=webhook, **more), engine.runtime.clock()
    return (await replays.preview(engine.account, wanted, KEEP, now)).count


async def finished(engine: Engine, replay: ReplayView) -> ReplayView:
    async def met() -> bool:
        return not (await progress.get(engine.account, replay.id)).is_open

    await eventually(met)
    return await progress.get(engine.account, replay.id)


async def steps(engine: Engine, count: int, after: datetime | None = None) -> datetime:
    """As if time passed between them; what they make is not sent."""
    now = after or engine.runtime.clock()
    for _ in range(count):
        now += timedelta(seconds=1.1)
        await running.advance(now, PLACES)
    return now


async def made(engine: Engine) -> list[Any]:
    """What each delivery that was made again repeats."""
    rows = await engine.rows("SELECT * FROM delivery WHERE extra ORDER BY seq")
    return [row["repeats"] for row in rows]


class TestWhatIsSelected:
    async def test_all_that_failed_is_sent_again_once_with_its_id(self, engine: Engine):
        webhook = await failed(engine, 40)
        sent = [r["event"] for r in await engine.rows("SELECT event FROM delivery")]
        assert await count(engine, webhook, states=("failed",)) == 40
        replay = await start(engine, webhook, states=("failed",))
        assert (replay.total, replay.made, replay.state) == (40, 0, "running")
        async with engine.working():
            report = await finished(engine, replay)
        assert sorted(call.id for call in engine.receiver.calls) == sorted(sent)
        assert (report.made, report.done, report.delivered) == (40, 40, 40)
        assert (report.state, report.skipped) == ("finished", 0)
        assert await made(engine) == list(range(1, 41))
        (attempt,) = await engine.rows(
            "SELECT DISTINCT a.trigger FROM attempt a JOIN delivery d"
            " ON d.seq = a.delivery WHERE d.extra"
        )
        assert attempt["trigger"] == "replay"

    async def test_of_an_event_its_latest_delivery_counts(self, engine: Engine):
        webhook = await failed(engine, 3)
        async with engine.working():
            await finished(engine, await start(engine, webhook, states=("failed",)))
        assert await count(engine, webhook, states=("failed",)) == 0
        assert await count(engine, webhook, states=("delivered",)) == 3
        assert await count(engine, webhook) == 3

    async def test_what_comes_later_is_not_in_it(self, engine: Engine):
        webhook = await failed(engine, 2)
        await engine.post()  # waits, and fails after the start
        replay = await start(engine, webhook)
        engine.receiver.script("/", 500)
        async with engine.working():
            report = await finished(engine, replay)
        assert (report.total, report.made) == (2, 2)
        assert set(await made(engine)) == {1, 2}

    async def test_it_is_narrowed_by_type_and_by_time(self, engine: Engine):
        await make.event_type(engine.account, OTHER)
        webhook = await failed(engine, 2)
        begun = engine.runtime.clock()
        engine.receiver.usually["/"] = Answer(500)
        async with engine.working():
            await engine.post_all([NewEvent(OTHER, b"{}")])
            await engine.settled()
        assert await count(engine, webhook) == 3
        for narrowed, expected in (
            ({"types": (OTHER,)}, 1),
            ({"types": ("order.*",)}, 1),
            ({"types": (TYPE, OTHER)}, 3),
            ({"since": begun}, 1),
            ({"until": begun}, 2),
            ({"since": begun, "types": (TYPE,)}, 0),
            ({"states": ("expired", "cancelled")}, 0),
        ):
            found = await count(engine, webhook, **narrowed)
            assert (found, narrowed) == (expected, narrowed)

    async def test_the_preview_shows_the_first_five(self, engine: Engine):
        webhook = await failed(engine, 7)
        wanted = Selection(webhook=webhook)
        now = engine.runtime.clock()
        seen = await replays.preview(engine.account, wanted, KEEP, now)
        assert (seen.count, [each.repeats for each in seen.samples]) == (
            7,
            [1, 2, 3, 4, 5],
        )
        assert {(each.type, each.state) for each in seen.samples} == {(TYPE, "failed")}


class TestMissing:
    async def test_a_new_webhook_gets_what_came_before_it(self, engine: Engine):
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

    async def test_what_expired_while_it_was_held_was_never_sent(self, engine: Engine):
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

    async def test_only_what_passes_the_filters_of_today_is_missing(
        self, engine: Engine
    ):
        for number in range(30):
            await engine.post(b'{"n": %d}' % number, context=("region.7",))
        await engine.post(b'{"n": 1}')
        context = Context((TagFilter("region.3", True),))
        conditions = {"n:gte": 10, "n:lt": 25}
        webhook = await engine.webhook(conditions=conditions, context=context)
        assert await count(engine, webhook, missing=True) == 0
        tree = [Tag("region.7", "region.3")]
        await contexts.replace(engine.account, WHO, tree, engine.runtime.clock())
        assert await count(engine, webhook, missing=True) == 15
        replay = await start(engine, webhook, missing=True)
        async with engine.working():
            done = await finished(engine, replay)
        assert (done.made, done.delivered, done.skipped) == (15, 15, 0)
        assert len(engine.receiver.calls) == 15
        assert await count(engine, webhook, missing=True) == 0

    async def test_what_was_tried_waits_or_was_discarded_is_not_missing(
        self, engine: Engine
    ):
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


class TestWhatIsWrong:
    async def test_all_problems_come_at_once(self, engine: Engine):
        webhook = await engine.webhook(active=False, name="CRM")
        now = engine.runtime.clock()
        with pytest.raises(Invalid) as refused:
            await start(
                engine,
                webhook,
                states=("pending", "lost"),
                types=("contact.craeted",),
                since=now - timedelta(days=31),
                until=now - timedelta(days=32),
                rate_per_second=0.0,
            )
        assert [(p.field, p.code) for p in refused.value.problems] == [
            ("webhook", "not_active"),
            ("states.0", "not_replayable"),
            ("states.1", "not_replayable"),
            ("types.0", "unknown_type"),
            ("until", "before_since"),
            ("since", "forgotten"),
            ("until", "forgotten"),
            ("rate_per_second", "out_of_range"),
        ]
        assert "CRM is draft: activate it first." in refused.value.message

    async def test_what_cannot_be(self, engine: Engine):
        webhook = await engine.webhook()
        now = engine.runtime.clock()
        for wrong, field, code in (
            ({"webhook": "wh_no"}, "webhook", "unknown"),
            ({"missing": True, "states": ("failed",)}, "states", "with_missing"),
            ({"since": now + timedelta(days=1)}, "since", "future"),
            ({}, "", "empty"),
        ):
            with pytest.raises(Invalid) as refused:
                await start(engine, **({"webhook": webhook} | wrong))
            (problem,) = refused.value.problems
            assert (problem.field, problem.code) == (field, code)

    async def test_two_at_once_to_one_webhook(self, engine: Engine):
        webhook = await failed(engine, 3)
        both = [start(engine, webhook) for _ in range(2)]
        one, other = await asyncio.gather(*both, return_exceptions=True)
        assert {type(one), type(other)} == {ReplayView, Conflict}

    async def test_charlie_starts_and_finds_nothing(self, engine: Engine, cast):
        webhook = await failed(engine, 1)
        replay = await start(engine, webhook)
        theirs, now = cast.charlie.account, engine.runtime.clock()
        with pytest.raises(Invalid):
            await replays.start(theirs, "c", Selection(webhook=webhook), KEEP, now)
        for act in (replays.pause, replays.resume, replays.cancel):
            with pytest.raises(NotFound):
                await act(theirs, "c", replay.id, now)
        assert (await progress.page(theirs)).items == []


class TestOnTheWay:
    async def test_a_paused_one_makes_no_more_until_it_goes_on(self, engine: Engine):
        webhook = await failed(engine, 30)
        replay = await start(engine, webhook)
        now = await steps(engine, 1)
        paused = await replays.pause(engine.account, WHO, replay.id, now)
        await steps(engine, 3, now)
        assert paused.state == "paused"
        assert len(await made(engine)) == paused.made == 2
        with pytest.raises(Conflict, match="under way"):
            await replays.start(
                engine.account, WHO, Selection(webhook=webhook), KEEP, now
            )
        await replays.resume(engine.account, WHO, replay.id, engine.runtime.clock())
        async with engine.working():
            assert (await finished(engine, replay)).delivered == 30

    async def test_cancelling_takes_back_what_waits(self, engine: Engine):
        webhook = await failed(engine, 30)
        replay = await start(engine, webhook)
        now = await steps(engine, 1)
        await replays.cancel(engine.account, WHO, replay.id, now)
        await steps(engine, 3, now)
        report = await progress.get(engine.account, replay.id)
        assert (report.state, report.made, report.cancelled) == ("cancelled", 2, 2)
        assert report.done == 2
        rows = await engine.rows("SELECT state, reason FROM delivery WHERE extra")
        assert {tuple(r.values()) for r in rows} == {("cancelled", "replay cancelled")}
        with pytest.raises(Conflict):
            await replays.resume(engine.account, WHO, replay.id, now)
        again = await replays.cancel(engine.account, WHO, replay.id, now)
        assert again.state == "cancelled"

    async def test_a_call_under_way_when_it_is_cancelled_ends_by_itself(
        self, engine: Engine
    ):
        webhook = await failed(engine, 3, concurrency=1)
        gate = engine.receiver.close_gate("/")
        replay = await start(engine, webhook)
        async with engine.working():
            await engine.receiver.got(1)
            await replays.cancel(engine.account, WHO, replay.id, engine.runtime.clock())
            gate.set()

            async def met() -> bool:
                now = await progress.get(engine.account, replay.id)
                return now.made == now.done

            await eventually(met)
        report = await progress.get(engine.account, replay.id)
        assert (report.delivered, report.cancelled) == (1, report.made - 1)

    async def test_it_waits_for_a_paused_webhook_and_ends_with_a_deleted_one(
        self, engine: Engine
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

    async def test_few_wait_at_once_and_fewer_when_nothing_is_taken(
        self, engine: Engine
    ):
        webhook = await failed(engine, 60)
        await start(engine, webhook)
        await steps(engine, 10)
        assert len(await made(engine)) == 2

    async def test_its_own_rate_holds(self, engine: Engine):
        webhook = await failed(engine, 12)
        replay = await start(engine, webhook, rate_per_second=4)
        began = engine.runtime.clock()
        async with engine.working():
            await finished(engine, replay)
        took = (engine.runtime.clock() - began).total_seconds()
        assert took > (12 - 4 - 1) / 4

    async def test_a_failing_receiver_is_probed_and_no_more(self, engine: Engine):
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
