"""However much comes of a batch of calls, it can be written down."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from callboard.database import writing
from callboard.delivery import ledger
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import DeliveryState, Lane
from callboard.outcome import Outcome
from tests.engine import Engine

CALLS = 40
BODY = b"x" * 1024 * 1024


async def claim(engine: Engine) -> list[Claimed]:
    async with writing() as db:
        await db.fetch("UPDATE turn SET slots = cap")
        now = engine.runtime.clock()
        return await ledger.claim(db, Lane.UNTRIED, CALLS, "wrk_a/1", now)


def result(engine: Engine, claimed: Claimed) -> Result:
    begun = engine.runtime.clock()
    sent = Sent("POST", "http://a.example/", (), BODY)
    delivered, ended = DeliveryState.DELIVERED, begun + timedelta(seconds=0.1)
    outcome = Outcome(status=200, seconds=0.1)
    return Result(claimed, sent, begun, outcome, delivered, None, None, ended)


async def test_large_bodies_are_recorded_in_statements_that_are_not(
    engine: Engine, queries: Callable[[], Any]
):
    """Their sum would be more than PostgreSQL takes, and no worker could go on."""
    for _ in range(CALLS):
        await engine.webhook()
    await engine.post()
    results = [result(engine, each) for each in await claim(engine)]
    with queries() as seen:
        async with writing() as db:
            await ledger.record(db, results, frozenset(), engine.runtime.clock())
    settled = [sql for sql in seen if "UPDATE delivery SET" in sql]
    assert len(settled) == CALLS / 4  # at most 4 MiB in each
    rows = await engine.rows("SELECT DISTINCT delivery FROM attempt")
    assert len(rows) == CALLS
    assert await engine.states() == ["delivered"] * CALLS
