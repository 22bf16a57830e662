"""A replay's steps, broken off anywhere and made by several workers at once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from callboard.database import Database, writing
from callboard.delivery import by_hand
from callboard.ingest import NewEvent
from callboard.replays import pace, progress, replays, running
from callboard.replays.pace import UnderWay
from callboard.replays.selection import Selection
from callboard.schedule import Schedule
from callboard.upkeep import check
from tests.engine import KEEP, TYPE, Engine
from tests.replaying import PLACES, made

COUNT = 40


@pytest.fixture
async def replay(engine: Engine) -> str:
    """Of as many deliveries as a test needs to take some steps."""
    webhook = await engine.webhook(concurrency=256)
    await engine.post_all([NewEvent(TYPE, b"{}")] * COUNT)
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET state = 'failed', reason = 'every try failed',"
            " due = NULL, finished_at = :now",
            now=engine.runtime.clock(),
        )
    wanted = Selection(webhook=webhook)
    return (await replays.start(engine.by, wanted, KEEP)).id


async def all_delivered(now: datetime) -> None:
    """As if the receiver were very quick."""
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET state = 'cancelled', reason = 'delivered', due = NULL,"
            " finished_at = :now WHERE state = 'pending' AND lease IS NULL",
            now=now,
        )


class Killed(BaseException):
    """As a worker that is gone."""


async def test_a_worker_that_dies_anywhere_in_a_step_leaves_nothing_behind(
    engine: Engine, replay: str, monkeypatch: pytest.MonkeyPatch
):
    fetch = Database.fetch
    now, deaths, left = engine.runtime.clock(), 0, 0

    async def dying(self: Database, sql: str, **values: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return await fetch(self, sql, **values)

    while (await progress.get(engine.account, replay)).is_open:
        now += timedelta(seconds=2)
        for statements in range(20):
            left = statements
            before = await made(engine)
            with monkeypatch.context() as patch:
                patch.setattr(Database, "fetch", dying)
                try:
                    await running.advance(now, PLACES)
                except Killed:
                    deaths += 1
                else:
                    break
            assert await made(engine) == before
            assert await check.ledger(now) == []
        else:
            pytest.fail("a step has more statements than that")
        await all_delivered(now)
    assert await made(engine) == list(range(1, COUNT + 1))
    assert deaths > 50


async def test_workers_that_step_at_once_make_each_delivery_once(
    engine: Engine, replay: str
):
    now = engine.runtime.clock()
    while (await progress.get(engine.account, replay)).is_open:
        now += timedelta(seconds=2)
        await asyncio.gather(*(running.advance(now, PLACES) for _ in range(4)))
        await all_delivered(now)
    assert await made(engine) == list(range(1, COUNT + 1))


async def test_what_somebody_else_has_sent_again_meanwhile_is_passed_over(
    engine: Engine, replay: str
):
    last = (await engine.deliveries())[-1]
    now = engine.runtime.clock()
    await by_hand.repeat(engine.by, last)
    while (await progress.get(engine.account, replay)).is_open:
        now += timedelta(seconds=2)
        await running.advance(now, PLACES)
        await all_delivered(now)
    report = await progress.get(engine.account, replay)
    assert (report.total, report.made, report.skipped) == (COUNT, COUNT - 1, 1)
    assert sorted(await made(engine)) == list(range(1, COUNT + 1))


async def test_what_has_been_forgotten_meanwhile_does_not_stop_it(
    engine: Engine, replay: str
):
    now = engine.runtime.clock() + timedelta(seconds=1)
    await running.advance(now, PLACES)
    async with writing() as db:
        await db.fetch("DELETE FROM delivery WHERE extra")
    for _ in range(9):
        now += timedelta(seconds=2)
        await running.advance(now, PLACES)
        await all_delivered(now)
    report = await progress.get(engine.account, replay)
    assert (report.state, report.done) == ("finished", COUNT)


async def test_a_newer_replay_gets_its_turn_beside_an_older_one(
    engine: Engine, replay: str
):
    other = await engine.webhook(name="Other")
    wanted, now = Selection(webhook=other, missing=True), engine.runtime.clock()
    await replays.start(engine.by, wanted, KEEP)
    await running.advance(now + timedelta(seconds=1), PLACES)
    rows = await engine.rows(
        "SELECT webhook, count(*) AS n FROM delivery WHERE extra GROUP BY webhook"
    )
    assert [row["n"] for row in rows] == [2, 2]


async def test_what_goes_out_in_scheduled_runs_waits_for_the_next_one(engine: Engine):
    await engine.post_all([NewEvent(TYPE, b"{}")] * 3)
    webhook = await engine.webhook(delivery=Schedule(every_minutes=5))
    wanted, now = Selection(webhook=webhook, missing=True), engine.runtime.clock()
    await replays.start(engine.by, wanted, KEEP)
    for seconds in (1, 2):
        await running.advance(now + timedelta(seconds=seconds), PLACES)
    rows = await engine.rows("SELECT state, due FROM delivery")
    assert [tuple(row.values()) for row in rows] == [("pending", None)] * 3


async def test_behind_filters_every_event_is_counted_however_many(engine: Engine):
    events = [NewEvent(TYPE, b'{"n": %d}' % number) for number in range(2_300)]
    await engine.post_all(events)
    webhook = await engine.webhook(conditions={"n:gte": 2_295})
    wanted, now = Selection(webhook=webhook, missing=True), engine.runtime.clock()
    replay = await replays.start(engine.by, wanted, KEEP)
    assert replay.total == 5
    while (await progress.get(engine.account, replay.id)).is_open:
        now += timedelta(seconds=2)
        await running.advance(now, PLACES)
        await all_delivered(now)
    report = await progress.get(engine.account, replay.id)
    assert (report.made, report.skipped) == (5, 0)


@pytest.mark.parametrize(
    ("room", "replays_open", "expected"),
    [(256, 1, 256), (256, 5, 51), (25, 1, 25), (25, 4, 6), (1, 3, 1), (256, 500, 1)],
)
def test_replays_share_what_a_worker_takes_on(
    room: int, replays_open: int, expected: int
):
    assert pace.share(room, replays_open) == expected


@pytest.mark.parametrize(
    ("size", "waiting", "longest", "expected"),
    [
        (1, 0, 0.0, 2),
        (64, 20, 0.1, 100),
        (64, 60, 0.5, 64),
        (64, 60, 1.2, 30),
        (30, 60, 1.3, 30),
        (1, 1, 9.0, 1),
    ],
)
def test_more_wait_while_calls_begin_at_once_fewer_when_they_are_late(
    size: int, waiting: int, longest: float, expected: int
):
    found = UnderWay(waiting=waiting, longest=longest)
    assert pace.next_size(size, found, 100) == expected


@pytest.mark.parametrize(
    ("under_way", "allowed", "expected"),
    [
        (UnderWay(), None, 50),
        (UnderWay(80, 30), None, 20),
        (UnderWay(80, 60), None, 0),
        (UnderWay(), 3.7, 3),
        (UnderWay(15, failing=True), None, 5),
        (UnderWay(30, failing=True), None, 0),
    ],
)
def test_room_is_what_size_rate_and_the_receiver_leave(
    under_way: UnderWay, allowed: float | None, expected: int
):
    assert pace.room(50, under_way, allowed) == expected
