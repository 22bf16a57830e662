"""The ledger check must be able to fail: each breach is planted, and found."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from callboard import check
from callboard.database import writing
from callboard.delivery.workers import Watch
from callboard.runtime import Runtime
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine
from tests.receiver import Receiver

FEWER = "events with other deliveries than their receipt named"
STATE = "deliveries in a state that no rule allows"
STUCK = "due deliveries that nobody looks at"
LEASED = "webhooks whose count of calls in flight is wrong"
BREACHES = {
    "lost": ("DELETE FROM delivery WHERE seq = 2", {FEWER}),
    "twice": (
        "INSERT INTO delivery (event, account, webhook, state, due, extra, created_at,"
        " trigger, tries, attempts) SELECT event, account, webhook, state, due, extra,"
        " created_at, trigger, tries, attempts FROM delivery WHERE seq = 2",
        {FEWER},
    ),
    "event lost": (
        "DELETE FROM event WHERE id = (SELECT event FROM delivery WHERE seq = 2)",
        {"deliveries without their event"},
    ),
    "unknown state": ("UPDATE delivery SET state = 'lost' WHERE seq = 2", {STATE}),
    "pending for ever": ("UPDATE delivery SET due = NULL WHERE seq = 2", {STATE}),
    "ended while pending": (
        "UPDATE delivery SET finished_at = :now WHERE seq = 2",
        {STATE},
    ),
    "held for ever": (
        "UPDATE delivery SET state = 'held', due = NULL WHERE seq = 2",
        {STATE, "deliveries that did not follow their webhook"},
    ),
    "failed without a reason": (
        "UPDATE delivery SET state = 'failed', finished_at = :now WHERE seq = 2",
        {STATE},
    ),
    "delivered without a call": (
        "UPDATE delivery SET state = 'delivered', finished_at = :now WHERE seq = 2",
        {"delivered deliveries without an attempt that says so"},
    ),
    "leased and ended": (
        "UPDATE delivery SET lease = 'wrk_a/7' WHERE seq = 1",
        {STATE},
    ),
    "lease of nobody": (
        "UPDATE delivery SET lease = 'wrk_dead/1' WHERE seq = 2",
        {LEASED, "leases of workers that are no more"},
    ),
    "count too high": ("UPDATE turn SET leased = leased + 1", {LEASED}),
    "count too low": ("UPDATE turn SET leased = leased - 1", {LEASED}),
    "asleep": ("UPDATE turn SET next_due = NULL", {STUCK}),
    "asleep till tomorrow": ("UPDATE turn SET next_due = :tomorrow", {STUCK}),
    "no turn": ("DELETE FROM turn", {"webhooks without a turn"}),
    "left behind": (
        "UPDATE turn SET open = false",
        {"deliveries that did not follow their webhook"},
    ),
}


@pytest.fixture
async def engine(
    runtime: Runtime, cast: Cast, receiver: Receiver
) -> AsyncIterator[Engine]:
    """One delivered, two due long ago that nobody has claimed."""
    await make.event_type(cast.alice.account, TYPE)
    made = Engine(cast.alice.account, runtime, receiver)
    await made.webhook()
    await made.post()
    async with made.working():
        await made.settled()
    await Watch("wrk_a").beat(runtime.clock())
    for _ in range(2):
        await made.post()
    async with writing() as db:
        ago = runtime.clock() - timedelta(minutes=2)
        await db.fetch("UPDATE delivery SET due = :ago WHERE seq > 1", ago=ago)
    return made


async def findings(engine: Engine) -> dict[str, check.Finding]:
    found = await check.ledger(engine.runtime.clock())
    return {finding.what: finding for finding in found}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_planted_breach_is_found(engine: Engine, breach: str):
    sql, wanted = BREACHES[breach]
    async with writing() as db:
        now = engine.runtime.clock()
        times = {"now": now, "tomorrow": now + timedelta(days=1)}
        values = {name: time for name, time in times.items() if f":{name}" in sql}
        await db.fetch("UPDATE turn SET next_due = :now", now=now)
        if STUCK not in wanted:
            await db.fetch("UPDATE delivery SET due = :now WHERE seq > 1", now=now)
        await db.fetch(sql, **values)
    found = await findings(engine)
    assert found.keys() == wanted
    assert all(each.count >= 1 and each.examples for each in found.values())


async def test_what_is_due_and_will_be_looked_at_is_no_breach(engine: Engine):
    async with writing() as db:
        now = engine.runtime.clock()
        await db.fetch("UPDATE delivery SET due = :now WHERE seq > 1", now=now)
    assert await findings(engine) == {}


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("leased = 1, slots = 1", id="cap"),
        pytest.param("rate = 0.001, next_due = :later", id="rate"),
        pytest.param("ordered = true, next_due = :later", id="order"),
    ],
)
async def test_what_waits_for_its_webhooks_cap_rate_or_order_is_no_breach(
    engine: Engine, reason: str
):
    async with writing() as db:
        later = engine.runtime.clock() + timedelta(hours=1)
        values = {"later": later} if ":later" in reason else {}
        await db.fetch(f"UPDATE turn SET {reason}", **values)
        if "leased" in reason:
            await db.fetch("UPDATE delivery SET lease = 'wrk_a/1' WHERE seq = 2")
    assert await findings(engine) == {}


async def test_examples_are_few_and_the_count_is_whole(engine: Engine):
    for _ in range(10):
        await engine.post()
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = NULL WHERE state = 'pending'")
    (found,) = (await findings(engine)).values()
    assert (found.what, found.count, len(found.examples)) == (STATE, 12, 5)
