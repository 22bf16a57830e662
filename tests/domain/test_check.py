"""The ledger check must be able to fail: each breach is planted, and found."""

from datetime import datetime, timedelta

import pytest

from callboard.database import Database, writing
from callboard.delivery.workers import Watch
from callboard.runtime import Runtime
from callboard.upkeep import check
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine
from tests.receiver import Receiver

FEWER = "events with other deliveries than their receipt named"
STATE = "deliveries in a state that no rule allows"
STUCK = "due deliveries that nobody looks at"
FOLLOW = "deliveries that did not follow their webhook"
GONE = "leases of workers that are no more"
TURN = "webhooks whose turn does not say what they do"
BEGUN = "scheduled runs that nobody begins"
ENDED = "scheduled runs that nobody ends"
PLANNED = "deliveries that wait for a run that is not planned"
SUMS = "replays whose deliveries do not add up"
FURTHER = "replays that nobody takes further"
VERDICT = "webhooks that are to be deactivated, which nobody does"
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
        {STATE, FOLLOW},
    ),
    "held and due": (
        "UPDATE delivery SET state = 'held', held_until = :tomorrow WHERE seq = 2",
        {STATE, FOLLOW},
    ),
    "ended and due": (
        "UPDATE delivery SET due = :now WHERE seq = 1",
        {STATE},
    ),
    "more tries than calls": ("UPDATE delivery SET tries = 9 WHERE seq = 2", {STATE}),
    "failed without a reason": (
        "UPDATE delivery SET state = 'failed', finished_at = :now WHERE seq = 2",
        {STATE},
    ),
    "delivered without a call": (
        "UPDATE delivery SET state = 'delivered', due = NULL, finished_at = :now"
        " WHERE seq = 2",
        {"delivered deliveries without an attempt that says so"},
    ),
    "leased and ended": (
        "UPDATE delivery SET lease = 'wrk_a/7' WHERE seq = 1",
        {STATE},
    ),
    "lease of nobody": (
        "UPDATE delivery SET lease = 'wrk_dead/1' WHERE seq = 2",
        {LEASED, GONE},
    ),
    "lease of one that stands still": (
        "UPDATE delivery SET lease = 'wrk_a/1' WHERE seq = 2;"
        " UPDATE turn SET leased = 1, slots = 5; UPDATE worker SET beat_at = :ago",
        {GONE},
    ),
    "count too high": ("UPDATE turn SET leased = leased + 1", {LEASED}),
    "count too low": ("UPDATE turn SET leased = leased - 1", {LEASED}),
    "asleep": ("UPDATE turn SET next_due = NULL", {STUCK}),
    "asleep till tomorrow": ("UPDATE turn SET next_due = :tomorrow", {STUCK}),
    "asleep with a rate": ("UPDATE turn SET next_due = NULL, rate = 1", {STUCK}),
    "asleep till tomorrow with a rate": (
        "UPDATE turn SET next_due = :tomorrow, rate = 1",
        {STUCK},
    ),
    "asleep in order": ("UPDATE turn SET next_due = NULL, ordered = true", {STUCK}),
    "looked at by nobody": ("UPDATE turn SET next_due = :ago, served = 0", {STUCK}),
    "called although it is deleted": (
        "UPDATE webhook SET state = 'deleted'",
        {TURN},
    ),
    "settings that nobody sees": ("UPDATE webhook SET version = version + 1", {TURN}),
    "to be deactivated by nobody": (
        "INSERT INTO health (webhook, verdict, last_at)"
        " SELECT webhook, 'failed', :ago FROM turn",
        {VERDICT},
    ),
    "run not begun": (
        "INSERT INTO schedule (webhook, next_run, planned_at)"
        " SELECT webhook, :ago, :ago FROM turn",
        {BEGUN},
    ),
    "run not ended": (
        "INSERT INTO schedule (webhook, next_run, planned_at, going)"
        " SELECT webhook, :tomorrow, :ago, 7 FROM turn",
        {ENDED},
    ),
    "run not planned": (
        "INSERT INTO schedule (webhook, next_run, planned_at)"
        " SELECT webhook, NULL, :ago FROM turn;"
        " UPDATE delivery SET due = NULL WHERE seq = 2",
        {PLANNED},
    ),
    "replay with too many": (
        "INSERT INTO replay (id, state, total, made) VALUES ('r', 'finished', 1, 2)",
        {SUMS},
    ),
    "replay that sleeps": (
        "INSERT INTO replay (id, state, next_at) VALUES ('r', 'running', NULL)",
        {FURTHER},
    ),
    "replay that is forgotten": (
        "INSERT INTO replay (id, state, next_at) VALUES ('r', 'running', :ago)",
        {FURTHER},
    ),
    "run not ended in a while": (
        "INSERT INTO run (id, webhook, hand, started_at)"
        " SELECT 7, webhook, false, :ago FROM turn;"
        " INSERT INTO schedule (webhook, next_run, planned_at, going)"
        " SELECT webhook, :tomorrow, :ago, 7 FROM turn",
        {ENDED},
    ),
    "delivered by a call that failed": (
        "UPDATE attempt SET error = 'timed_out'",
        {"delivered deliveries without an attempt that says so"},
    ),
    "replay that lost one": (
        "INSERT INTO replay (id, state, total, made) VALUES ('r', 'finished', 2, 2)",
        {SUMS},
    ),
    "replay that ends with one under way": (
        "INSERT INTO replay (id, state, total, made, next_at)"
        " VALUES ('r', 'cancelled', 1, 1, NULL);"
        " INSERT INTO replay_delivery (delivery, replay) VALUES (2, 'r')",
        {FURTHER},
    ),
    "no turn": ("DELETE FROM turn", {"webhooks without a turn"}),
    "left behind": (
        "UPDATE turn SET open = false",
        {FOLLOW, TURN},
    ),
}


@pytest.fixture
async def engine(runtime: Runtime, cast: Cast, receiver: Receiver) -> Engine:
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


async def run(db: Database, sql: str, now: datetime) -> None:
    times = {
        "ago": now - timedelta(minutes=2),
        "now": now,
        "later": now + timedelta(hours=1),
        "tomorrow": now + timedelta(days=1),
    }
    await db.fetch(sql, **{name: t for name, t in times.items() if f":{name}" in sql})


async def findings(engine: Engine) -> dict[str, check.Finding]:
    found = await check.ledger(engine.runtime.clock())
    return {finding.what: finding for finding in found}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_planted_breach_is_found(engine: Engine, breach: str):
    planted, wanted = BREACHES[breach]
    now = engine.runtime.clock()
    async with writing() as db:
        await run(db, "UPDATE turn SET next_due = :now", now)
        if STUCK not in wanted:
            await run(db, "UPDATE delivery SET due = :now WHERE seq > 1", now)
        for sql in planted.split(";"):
            await run(db, sql, now)
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
        pytest.param(
            "UPDATE turn SET leased = 1, slots = 1;"
            " UPDATE delivery SET lease = 'wrk_a/1' WHERE seq = 2",
            id="cap",
        ),
        pytest.param("UPDATE turn SET rate = 0.001, next_due = :later", id="rate"),
        pytest.param(
            "UPDATE turn SET ordered = true, next_due = :later;"
            " UPDATE delivery SET due = :later WHERE seq = 2",
            id="order",
        ),
        pytest.param(
            "UPDATE turn SET ordered = true, next_due = :now, leased = 1;"
            " UPDATE delivery SET lease = 'wrk_a/1' WHERE seq = 2",
            id="order, the first is under way",
        ),
    ],
)
async def test_what_waits_for_its_webhooks_cap_rate_or_order_is_no_breach(
    engine: Engine, reason: str
):
    async with writing() as db:
        for sql in reason.split(";"):
            await run(db, sql, engine.runtime.clock())
    assert await findings(engine) == {}


async def test_examples_are_few_and_the_count_is_whole(engine: Engine):
    for _ in range(10):
        await engine.post()
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = NULL WHERE state = 'pending'")
    (found,) = (await findings(engine)).values()
    assert (found.what, found.count, len(found.examples)) == (STATE, 12, 5)
