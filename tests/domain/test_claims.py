"""When a webhook of which a claim has found nothing is looked at again."""

from datetime import timedelta

import pytest

from callboard.database import writing
from callboard.delivery import freeing, ledger
from callboard.delivery.ledger import Claimed
from callboard.delivery.states import Lane
from callboard.delivery.turns import LOOK_AGAIN
from tests.engine import Engine


async def test_beside_what_waits_for_its_next_try_a_claim_looks_again_too(
    engine: Engine,
):
    """What an accept commits meanwhile it cannot see, and nobody else looks."""
    await engine.webhook()
    await engine.post()
    due = engine.runtime.clock() + timedelta(hours=1)
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = :due", due=due)
    waits = []
    for _ in range(4):
        assert await claim(engine) == []
        (row,) = await engine.rows("SELECT next_due, tokens_at AS looked FROM turn")
        waits.append((row["next_due"] - row["looked"]).total_seconds())
        engine.skip(1)
    assert waits[:3] == list(LOOK_AGAIN) if engine.is_postgres else waits[0] > 3000
    assert waits[3] > 3000


async def test_what_is_due_first_is_looked_at_first(engine: Engine):
    """Also where it was made last."""
    await engine.webhook()
    now = engine.runtime.clock()
    for hours in (2, 1):
        await engine.post()
        async with writing() as db:
            await db.fetch(
                "UPDATE delivery SET due = :due WHERE due < :soon",
                due=now + timedelta(hours=hours),
                soon=now + timedelta(minutes=1),
            )
    for _ in range(4):
        assert await claim(engine) == []
        engine.skip(1)
    (row,) = await engine.rows("SELECT next_due FROM turn")
    assert row["next_due"] == now + timedelta(hours=1)


async def test_what_is_claimed_goes_in_the_order_of_its_making(engine: Engine):
    for _ in range(2):
        await engine.webhook()
    for _ in range(3):
        await engine.post()
    assert [each.seq for each in await claim(engine)] == [1, 2, 3, 4, 5, 6]
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", engine.runtime.clock()) == 6


@pytest.mark.parametrize(("few", "at_once"), [(9, False), (10, True)])
async def test_a_webhook_with_much_traffic_is_looked_at_again_at_once(
    engine: Engine, few: int, at_once: bool
):
    """To ask what is left would be a walk past all its leases."""
    await engine.webhook()
    for _ in range(few):
        await engine.post()
    assert len(await claim(engine)) == few
    (row,) = await engine.rows("SELECT next_due, tokens_at AS looked FROM turn")
    assert (row["next_due"] == row["looked"]) is at_once
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", engine.runtime.clock()) == few


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_webhook_whose_lease_is_given_back_is_looked_at_again(
    engine: Engine, ordered: bool
):
    await engine.webhook(ordered=ordered)
    await engine.post()
    (claimed,) = await claim(engine)
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = NULL")  # nobody else would look
        now = engine.runtime.clock()
        await ledger.record(db, [], frozenset(), now, unused=[claimed])
    assert await claim(engine) == [claimed]
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", engine.runtime.clock()) == 1


async def test_a_webhook_whose_lease_is_freed_is_looked_at_again(engine: Engine):
    await engine.webhook()
    await engine.post()
    (before,) = await claim(engine)
    now = engine.runtime.clock()
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = NULL")
        assert await freeing.free(db, "wrk_a", now) == 1
    assert await claim(engine) == [before]
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", now) == 1


async def test_who_gives_back_what_others_have_taken_over_changes_nothing(
    engine: Engine,
):
    await engine.webhook()
    await engine.post()
    (lost,) = await claim(engine, "wrk_dead/1")
    now = engine.runtime.clock()
    async with writing() as db:
        assert await freeing.free(db, "wrk_dead", now) == 1
    assert len(await claim(engine)) == 1
    async with writing() as db:
        await ledger.record(db, [], frozenset(), now, unused=[lost])
    rows = await engine.rows(
        "SELECT d.lease, t.leased FROM delivery d JOIN turn t ON t.webhook = d.webhook"
    )
    assert [tuple(row.values()) for row in rows] == [("wrk_a/1", 1)]
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", now) == 1


async def test_an_event_is_read_once_however_many_webhooks_it_goes_to(engine: Engine):
    for _ in range(3):
        await engine.webhook()
    await engine.post()
    claimed = await claim(engine)
    assert len(claimed) == 3
    assert len({id(each.facts) for each in claimed}) == 1
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", engine.runtime.clock()) == 3


async def claim(engine: Engine, lease: str = "wrk_a/1") -> list[Claimed]:
    now = engine.runtime.clock()
    async with writing() as db:
        await db.fetch("UPDATE turn SET lane = 'express', slots = cap")
        return await ledger.claim(db, Lane.EXPRESS, 50, lease, now)
