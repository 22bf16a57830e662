"""The program is updated while deliveries follow their webhook's change of state: what
the version before left half done comes to what people had chosen."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from piccolo.engine.sqlite import SQLiteEngine

from callboard import database, ids
from callboard.config import Settings
from callboard.database import Row, engine, opened_database, writing
from callboard.delivery import ledger
from callboard.delivery.states import Lane
from callboard.runtime import open_runtime
from tests import make
from tests.clock import SkippingClock
from tests.engine import TYPE, Engine, engine_of
from tests.receiver import Receiver

# The last migration of the version that knew no gap in what is called.
BEFORE = "2026-11-22T11:16:00:000026"
ACCOUNT = "acc_before"
MADE, CHANGED, LATER = (make.later(minutes=-minutes) for minutes in (3, 2, 1))
HALF_WAY = ("held", "held", "pending", "pending")
WAITING = ("held",) * 4


@dataclass(frozen=True)
class Left:
    """A webhook as that version left it: four deliveries that waited when its state was
    changed, and one that came later. `called`: which of them go out, in this order,
    `stays`: what becomes of the others; of all if it is not active."""

    state: str
    follow: str
    called: list[int]
    stays: dict[int, str] = field(default_factory=dict)
    waited: tuple[str, ...] = HALF_WAY
    discards: bool = False
    ordered: bool = False


DISCARDED = dict.fromkeys(range(4), "cancelled")
ALL = [0, 1, 2, 3, 4]
FAILED = ("failed", *HALF_WAY[1:])
LEFT = {
    "activated": Left("active", "hold", ALL),
    "released": Left("active", "release", ALL, waited=WAITING, ordered=True),
    "discarding": Left("active", "hold", [4], DISCARDED, discards=True),
    "all-discarded": Left("active", "release", [4], DISCARDED, WAITING, discards=True),
    "failed-first": Left("active", "hold", ALL, waited=FAILED),
    "failed-first-in-order": Left("active", "hold", ALL, waited=FAILED, ordered=True),
    "paused": Left("paused", "hold", ALL),
    "paused-again": Left("paused", "hold", [4], DISCARDED, discards=True),
}


PAUSED = [name for name, left in LEFT.items() if left.state == "paused"]


@pytest.fixture
async def before(db: None) -> AsyncIterator[None]:
    """An empty, closed database of that version; afterwards it is an open one of this
    version again."""
    await _empty()
    await _migrate_to(BEFORE)
    yield
    await database.migrate()
    await database.open_database()


async def test_what_was_half_done_is_done_as_people_had_chosen(
    before: None, settings: Settings, receiver: Receiver
):
    async with _updated(settings, receiver) as working:
        await working.work()
        assert await _becomes(working, PAUSED) == _wanted(PAUSED, "held")
        assert [c for name in PAUSED for c in receiver.at(f"/{name}")] == []
        for name in LEFT:
            await working.activate(name, "deliver")
        await working.work()
        assert await _becomes(working, LEFT) == _wanted(LEFT, "delivered")
        for name, left in LEFT.items():
            got = [call.data for call in receiver.at(f"/{name}")]
            assert got == left.called, name


async def test_what_comes_after_it_goes_out_at_once_but_passes_nothing_that_failed(
    before: None, settings: Settings, receiver: Receiver
):
    async with _updated(settings, receiver) as working:
        await working.post(b"5")
        now = working.runtime.clock()
        async with writing() as db:
            claimed = await ledger.claim(db, Lane.EXPRESS, 99, "wrk_a/1", now)
            await ledger.record(db, [], frozenset(), now, unused=claimed)
        new = {each.webhook for each in claimed if each.facts.data == "5"}
        in_order = {name for name, left in LEFT.items() if left.ordered}
        failed = {name for name, left in LEFT.items() if "failed" in left.waited}
        assert new == LEFT.keys() - in_order - failed - set(PAUSED)
        await working.work()
        assert await working.states("failed-first") == ["delivered"] * 6


@asynccontextmanager
async def _updated(settings: Settings, receiver: Receiver) -> AsyncIterator[Engine]:
    """This version takes over what that one left."""
    async with opened_database():
        await _insert("account", id=ACCOUNT, name="Before", defaults="{}")
        for name, left in LEFT.items():
            await _leave(name, left, receiver)
    await database.migrate()
    async with open_runtime(settings) as opened:
        runtime = make.changed(opened, clock=SkippingClock(opened.clock))
        async with engine_of(ACCOUNT, runtime, receiver) as working:
            yield working


async def _becomes(working: Engine, names: Iterable[str]) -> dict[str, list[str]]:
    return {name: await working.states(name) for name in names}


def _wanted(names: Iterable[str], otherwise: str) -> dict[str, list[str]]:
    numbers = range(5)
    return {
        name: [LEFT[name].stays.get(number, otherwise) for number in numbers]
        for name in names
    }


async def _leave(name: str, left: Left, receiver: Receiver) -> None:
    await _insert(
        "webhook",
        id=name,
        account=ACCOUNT,
        name=name,
        state=left.state,
        url=f"{receiver.url}/{name}",
        method="POST",
        events='["*"]',
        headers="{}",
        signing="none",
        secrets="[]",
        success='"2xx"',
        schedule="[]",
        timeout=15,
        concurrency=1,
        ordered=left.ordered,
        hold_days=5,
        recipients="[]",
        state_since=CHANGED,
    )
    first, *_ = [
        await _deliver(name, number, state, LATER if number == 4 else MADE)
        for number, state in enumerate((*left.waited, "pending"))
    ]
    await _insert(
        "turn",
        webhook=name,
        account=ACCOUNT,
        version=1,
        lane="express",
        ordered=left.ordered,
        cap=1,
        slots=1,
        tokens=1.0,
        tokens_at=MADE,
        open=name == "released",
        follow=left.follow,
        next_due=CHANGED,
        discards_before=CHANGED if left.discards else None,
        salvages_from=first if "failed" in left.waited else None,
    )


async def _deliver(webhook: str, number: int, state: str, created: datetime) -> int:
    """Its `seq`."""
    event = ids.make("evt", created)
    await _insert(
        "event",
        id=event,
        account=ACCOUNT,
        type=TYPE,
        data=str(number),
        context="[]",
        deliveries=1,
        occurred_at=created,
        accepted_at=created,
    )
    row = await _insert(
        "delivery",
        event=event,
        account=ACCOUNT,
        webhook=webhook,
        state=state,
        created_at=created,
        due=created if state == "pending" else None,
        held_until=make.later(days=5) if state == "held" else None,
        finished_at=CHANGED if state == "failed" else None,
    )
    return int(row["seq"])


async def _insert(table: str, **values: Any) -> Row:
    """As text: the tables in this program have changed since."""
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING *"
    async with writing() as db:
        (row,) = await db.fetch(insert, **values)
    return row


async def _empty() -> None:
    if isinstance(engine(), SQLiteEngine):
        await database.close_database()
        path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
        for end in ("", "-wal", "-shm"):
            await asyncio.to_thread(Path(path + end).unlink, missing_ok=True)
        return
    async with writing() as db:
        await db.fetch("DROP SCHEMA public CASCADE")
        await db.fetch("CREATE SCHEMA public")
    await database.close_database()


async def _migrate_to(last: str) -> None:
    command = ("-m", "piccolo.main", "migrations", "forwards", "callboard", last)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        env={**os.environ, "PICCOLO_CONF": "callboard.piccolo_conf"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
