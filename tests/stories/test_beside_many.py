"""What others have costs a webhook nothing, whatever PostgreSQL believes to be there.

It plans by statistics that are old, or say that most rows of a table are ours; then
to go through all of them in their order may look quick.
"""

import os
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest

from callboard import spells
from callboard.database import reading, writing
from callboard.delivery import acts, following
from callboard.upkeep import readiness
from tests.engine import Engine
from tests.plans import pages_read
from tests.receiver import Answer

pytestmark = pytest.mark.skipif(
    os.environ.get("TEST_ENGINE") != "postgres", reason="SQLite plans by rules"
)
STATES = ("delivered", "pending", "held", "failed")
THEIRS = 5000  # of each state for each of two webhooks: half a second to read
MOST_PAGES = 350  # to change one delivery takes about 27


async def crowd(part: int, states: Sequence[str] = STATES) -> None:
    async with writing() as db:
        for webhook in ("wh_0", "wh_z"):
            for state in states:
                await db.fetch(
                    """
                    INSERT INTO delivery (event, account, webhook, state, due,
                        held_until, finished_at, reason, extra)
                    SELECT 'evt_' || n, 'acc_other', :webhook, CAST(:state AS text),
                        CASE WHEN :state = 'pending' THEN now() END,
                        CASE WHEN :state = 'held' THEN now() END,
                        CASE WHEN :state IN ('delivered', 'failed') THEN now() END,
                        CASE WHEN :state = 'failed' THEN 'tried' END, true
                    FROM generate_series(1, CAST(:part AS int)) AS n
                    """,
                    webhook=webhook,
                    state=state,
                    part=part,
                )


async def analyze() -> None:
    async with writing() as db:
        for table in ("delivery", "event", "attempt", "webhook", "turn"):
            await db.fetch(f"ANALYZE {table}")


async def live(engine: Engine, api: httpx.AsyncClient, webhook: str) -> None:
    """All that may happen to a webhook, as its own receiver and people see it."""
    await engine.post()
    await engine.settled()
    await engine.pause(webhook)
    await engine.post()
    await engine.followed()
    for path in (f"/webhooks/{webhook}", f"/deliveries?webhook={webhook}&state=held"):
        assert (await api.get(f"/api/v1{path}")).status_code == 200
    await engine.activate(webhook, "deliver")
    await engine.post()
    await engine.followed()
    await engine.pause(webhook)
    await engine.post()
    await engine.activate(webhook, "discard")
    await engine.followed()


async def sweep(engine: Engine) -> None:
    now = engine.runtime.clock()
    await spells.remind(now)
    async with writing() as db:
        await acts.rouse(db, now)
        await acts.expire(db, now + timedelta(days=9))
        await following.gather(db, now)
    async with reading() as db:
        await readiness.oldest_due(db, now)


@pytest.mark.parametrize("known", ["before", "while all waited", "after"])
async def test_no_statement_reads_what_others_have(
    engine: Engine,
    api: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    known: str,
):
    plain = await engine.webhook("/plain")
    ordered = await engine.webhook("/ordered", ordered=True)
    failing = await engine.webhook("/failing", schedule=(1,), deactivate_after=None)
    engine.receiver.usually["/failing"] = Answer(500)
    await engine.work()
    if known == "before":
        await engine.post()
        await analyze()
    if known == "while all waited":
        await crowd(THEIRS, ("pending",))
        await analyze()
    await crowd(THEIRS * 3 // 4)
    await engine.post()
    await crowd(THEIRS // 4)
    if known == "after":
        await analyze()
    with pages_read(monkeypatch) as pages:
        async with engine.working():
            for webhook in (plain, ordered, failing):
                await live(engine, api, webhook)
            await engine.pause(plain)
            await engine.post()
            await engine.followed()
            await sweep(engine)
    async with writing() as db:
        await db.fetch("DELETE FROM delivery WHERE account = 'acc_other'")
    assert len(pages) > 40
    assert {sql: most for sql, most in pages.items() if most > MOST_PAGES} == {}
