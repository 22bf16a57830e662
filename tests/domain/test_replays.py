"""Many deliveries made again as one job: exactly the selected ones, each once."""

import asyncio
from datetime import timedelta

import pytest

from callboard.errors import Conflict, Invalid, NotFound
from callboard.ingest import NewEvent
from callboard.replays import progress, replays
from callboard.replays.progress import ReplayView
from callboard.replays.selection import Selection
from tests import make
from tests.engine import KEEP, TYPE, Engine
from tests.receiver import Answer
from tests.replaying import OTHER, count, failed, finished, made, start


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

    async def test_what_cannot_be_is_told_at_its_field(self, engine: Engine):
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
        charlie = cast.charlie.at(engine.runtime.clock())
        with pytest.raises(Invalid):
            await replays.start(charlie, Selection(webhook=webhook), KEEP)
        for act in (replays.pause, replays.resume, replays.cancel):
            with pytest.raises(NotFound):
                await act(charlie, replay.id)
        assert (await progress.page(charlie.account)).items == []
