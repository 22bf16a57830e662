"""A claim tells bulk from what is live, and takes no more of it than it may."""

from collections import Counter
from datetime import timedelta

import pytest

from callboard.database import writing
from callboard.delivery import ledger
from callboard.delivery.ledger import Claimed
from callboard.delivery.states import Lane
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine
from tests.replaying import failed, start, steps

BACKLOG = 20


async def quick(engine: Engine, count: int = 1, each: int = BACKLOG) -> list[str]:
    """So many webhooks with many slots, and as many deliveries due to each."""
    found = [await engine.webhook(concurrency=256) for _ in range(count)]
    await engine.post_all([NewEvent(TYPE, b"{}")] * each)
    async with writing() as db:
        await db.fetch("UPDATE turn SET lane = 'express', slots = cap")
    return found


async def wait(engine: Engine, *webhooks: str) -> None:
    """As if their deliveries had waited for a minute."""
    then = engine.runtime.clock() - timedelta(minutes=1)
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET created_at = :then, due = :then"
            " WHERE webhook = ANY(:webhooks)",
            then=then,
            webhooks=list(webhooks),
        )


async def claim(engine: Engine, free: int, bulk: int | None = None) -> list[Claimed]:
    now = engine.runtime.clock()
    async with writing() as db:
        return await ledger.claim(db, Lane.EXPRESS, free, "wrk_a/1", now, bulk=bulk)


async def give_back(engine: Engine, claimed: list[Claimed]) -> None:
    async with writing() as db:
        now = engine.runtime.clock()
        await ledger.record(db, [], frozenset(), now, claimed)


def counts(claimed: list[Claimed]) -> Counter[str]:
    return Counter(each.webhook for each in claimed)


AGO = "'2026-01-01T00:00:00+00:00'"


@pytest.mark.parametrize(
    ("changes", "alone", "of_many"),
    [
        ("due = due", False, False),
        (f"created_at = {AGO}", True, True),  # was held, or waited for a run
        (f"created_at = {AGO}, due = {AGO}", False, True),
        (f"created_at = {AGO}, tries = 1, attempts = 1", False, False),
        (f"created_at = {AGO}, due = {AGO}, tries = 1, attempts = 1", False, True),
        (f"created_at = {AGO}, due = {AGO}, trigger = 'hand'", False, False),
        ("trigger = 'replay'", True, True),
    ],
)
@pytest.mark.parametrize("count", [1, BACKLOG])
async def test_bulk_is_what_nobody_waits_for_now(
    engine: Engine, changes: str, alone: bool, of_many: bool, count: int
):
    await quick(engine, each=count)
    async with writing() as db:
        await db.fetch(f"UPDATE delivery SET {changes}")
    found = await claim(engine, BACKLOG)
    expected = of_many if count == BACKLOG else alone
    assert [bool(each.bulk) for each in found] == [expected] * count
    await give_back(engine, found)


async def test_in_a_fan_out_those_that_are_late_do_not_give_way(engine: Engine):
    hooks = await quick(engine, 6, each=2)
    await wait(engine, *hooks[:3])
    await give_back(engine, await claim(engine, 12))
    found = await claim(engine, 50, bulk=1)
    assert counts(found) == dict.fromkeys(hooks, 2)
    await give_back(engine, found)


async def test_a_backlog_whose_end_is_found_does_not_give_way_any_longer(
    engine: Engine,
):
    hooks = await quick(engine, 6, each=1)
    await wait(engine, *hooks[:3])
    async with writing() as db:
        await db.fetch(
            "UPDATE turn SET bulk = :yes WHERE webhook = ANY(:hooks)",
            yes=True,
            hooks=hooks[:3],
        )
    for _ in range(3):
        await give_back(engine, await claim(engine, 50, bulk=2))
    found = await claim(engine, 50, bulk=1)
    assert counts(found) == dict.fromkeys(hooks, 1)
    await give_back(engine, found)


async def test_live_deliveries_are_taken_whatever_bulk_there_is(engine: Engine):
    old, new = await quick(engine, 2)
    await wait(engine, old)
    await give_back(engine, await claim(engine, 20))
    found = await claim(engine, 100, bulk=3)
    assert counts(found) == {old: 3, new: BACKLOG}
    await give_back(engine, found)
    found = await claim(engine, 100)
    assert counts(found) == {old: BACKLOG, new: BACKLOG}
    await give_back(engine, found)


async def test_webhooks_with_bulk_take_turns_in_what_it_may_have(engine: Engine):
    hooks = await quick(engine, 6)
    await wait(engine, *hooks)
    await give_back(engine, await claim(engine, 60))
    found = [each for _ in range(6) for each in await claim(engine, 50, bulk=2)]
    assert counts(found) == dict.fromkeys(hooks, 2)
    await give_back(engine, found)


async def test_one_that_finds_no_place_left_goes_first_the_next_time(engine: Engine):
    hooks = await quick(engine, 4)
    await wait(engine, *hooks[:2])
    await give_back(engine, await claim(engine, 40))
    found = [each for _ in range(4) for each in await claim(engine, 2, bulk=1)]
    assert counts(found) == dict.fromkeys(hooks, 2)
    await give_back(engine, found)


async def test_a_backlog_that_has_gone_out_is_bulk_no_longer(engine: Engine):
    (hook,) = await quick(engine)
    await wait(engine, hook)
    found = await claim(engine, BACKLOG)
    assert await is_bulk(engine)
    await engine.post()
    found += await claim(engine, 50)
    assert len(found) == BACKLOG + 1
    assert not await is_bulk(engine)
    await give_back(engine, found)


async def test_a_replay_is_bulk_from_its_first_claim(engine: Engine):
    await replaying(engine)
    found = await claim(engine, 50, bulk=1)
    assert [bool(each.bulk) for each in found] == [True]
    await give_back(engine, found)


async def test_a_replay_that_ran_dry_is_bulk_until_something_live_comes(
    engine: Engine,
):
    await replaying(engine)
    found = await claim(engine, 50)
    engine.skip(0.1)
    assert await claim(engine, 50) == []
    assert await is_bulk(engine)
    await engine.post()
    assert not await is_bulk(engine)
    await give_back(engine, found)


async def test_of_what_is_claimed_together_the_live_ones_go_first(engine: Engine):
    old, new = await quick(engine, 2)
    await wait(engine, old)
    found = await claim(engine, 2 * BACKLOG)
    assert [each.webhook for each in found] == [new] * BACKLOG + [old] * BACKLOG
    await give_back(engine, found)


async def replaying(engine: Engine) -> None:
    """A few deliveries that a replay has made are due; its webhook slept before."""
    await start(engine, await failed(engine, 5, concurrency=256))
    async with writing() as db:
        await db.fetch("UPDATE turn SET next_due = NULL")
    await steps(engine, 1)
    engine.skip(2)


async def is_bulk(engine: Engine) -> bool:
    (row,) = await engine.rows("SELECT bulk FROM turn")
    return bool(row["bulk"])
