"""To find the few that somebody asks for costs the same however many lie beside them.

`test_beside_many` has what others have; here it is the webhook's and account's own.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from callboard.database import writing
from callboard.delivery import freeing, ledger, reading
from callboard.delivery.reading import Filter
from callboard.delivery.states import DeliveryState, Lane
from callboard.delivery.workers import bury
from tests.engine import Engine
from tests.plans import pages_read

postgres_only = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") != "postgres", reason="SQLite tells no pages"
)
MANY = 6000
MOST_PAGES = 60  # to read all of these takes some hundreds
OTHERS = {"pending": "held", "held": "pending"}


async def crowd(
    engine: Engine, webhook: str, state: str, due: timedelta, sign: int = 1
) -> None:
    """Made after all others, or before them."""
    async with writing() as db:
        await db.fetch(
            """
            INSERT INTO delivery (seq, event, account, webhook, state, due,
                held_until, created_at, finished_at, extra)
            SELECT nextval('delivery_seq_seq') * CAST(:sign AS int),
                e.id, e.account, :webhook, CAST(:state AS text),
                CASE WHEN :state = 'pending' THEN CAST(:due AS timestamptz) END,
                CASE WHEN :state = 'held' THEN now() END, now(),
                CASE WHEN :state = 'delivered' THEN now() END, true
            FROM event e CROSS JOIN generate_series(1, CAST(:many AS int))
            """,
            webhook=webhook,
            state=state,
            due=engine.runtime.clock() + due,
            many=MANY,
            sign=sign,
        )


async def cleared() -> None:
    async with writing() as db:
        await db.fetch("DELETE FROM delivery WHERE extra")


async def claim(lease: str, engine: Engine, lane: Lane = Lane.UNTRIED) -> list[str]:
    async with writing() as db:
        found = await ledger.claim(db, lane, 50, lease, engine.runtime.clock())
    return [each.webhook for each in found]


@postgres_only
@pytest.mark.parametrize("state", OTHERS)
async def test_what_waits_is_listed_as_quickly_below_many_others(
    engine: Engine,
    api: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
):
    waits = await engine.webhook("/waits")
    other = await engine.webhook("/other", active=False)
    await engine.post()
    await crowd(engine, waits, state, timedelta())
    await crowd(engine, other, OTHERS[state], timedelta())
    await crowd(engine, waits, "delivered", timedelta())
    async with writing() as db:
        await db.fetch("ANALYZE delivery")
    with pages_read(monkeypatch) as pages:
        answer = await api.get(f"/api/v1/deliveries?state={state}&limit=10")
    await cleared()
    found = [(each["webhook"], each["state"]) for each in answer.json()["items"]]
    assert found == [(waits, state)] * 10
    assert {sql: most for sql, most in pages.items() if most > MOST_PAGES} == {}


@pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") == "postgres", reason="only SQLite has to be told"
)
@pytest.mark.parametrize("state", ["failed", "expired", "cancelled"])
async def test_what_ended_badly_is_listed_without_the_rest(
    engine: Engine, queries: Callable[[], Any], state: str
):
    webhook = await engine.webhook()
    await engine.post()
    wanted = DeliveryState(state)
    indexes = {"delivery_ended": None, "delivery_lost": webhook}
    for index, only in indexes.items():
        with queries() as seen:
            await reading.page(engine.account, Filter(state=wanted, webhook=only))
        values = {"account": engine.account, "webhook": webhook, "most": 51}
        steps = await engine.rows(f"EXPLAIN QUERY PLAN {seen[-1]}", **values)
        assert [step["detail"] for step in steps if index in step["detail"]]


@postgres_only
# The head of an ordered webhook may be tried again when all behind it are due; what is
# tried again elsewhere was made before what is new.
@pytest.mark.parametrize(
    ("ordered", "due", "sign"),
    [(False, 9, 1), (False, 9, -1), (True, -9, 1)],
    ids=["others came later", "others were tried", "ordered"],
)
async def test_who_dies_is_buried_as_quickly_whatever_waits(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    ordered: bool,
    due: int,
    sign: int,
):
    webhook = await engine.webhook(ordered=ordered)
    await engine.post()
    assert await claim("wrk_dead/1", engine) == [webhook]
    await crowd(engine, webhook, "pending", timedelta(seconds=due), sign)
    with pages_read(monkeypatch) as pages:
        assert await bury("wrk_dead", engine.runtime.clock()) == 1
        assert await bury("wrk_other", engine.runtime.clock()) == 0
    await cleared()
    assert {sql: most for sql, most in pages.items() if most > MOST_PAGES} == {}


@pytest.mark.parametrize("ordered", [False, True], ids=["plain", "ordered"])
async def test_only_the_leases_that_are_named_are_taken_away(
    engine: Engine, ordered: bool
):
    for _ in range(3):
        await engine.webhook(ordered=ordered)
    await engine.post()
    now = engine.runtime.clock()
    for number in range(3):
        async with writing() as db:
            lease = f"wrk_a/{number}" if number else "wrk_ab/1"
            assert await ledger.claim(db, Lane.UNTRIED, 1, lease, now)
    async with writing() as db:
        assert await freeing.free_claims(db, ["wrk_a/2", "wrk_a/7"], now) == 1
        assert await freeing.free(db, "wrk_a", now) == 1
        assert await freeing.free(db, "wrk_a", now) == 0
    rows = await engine.rows("SELECT lease FROM delivery WHERE lease IS NOT NULL")
    assert [row["lease"] for row in rows] == ["wrk_ab/1"]
    assert await engine.rows("SELECT leased FROM turn WHERE leased = 1 ") != []
    async with writing() as db:
        assert await freeing.free(db, "wrk_ab", now) == 1
