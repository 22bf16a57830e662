"""When a run is over, and what came of it."""

from collections import Counter
from datetime import datetime

from callboard.database import FENCE, Database
from callboard.delivery.locks import lock_turn


async def ended(db: Database) -> list[tuple[str, int]]:
    """Webhooks and runs of which nothing more can go out. Where order counts one that
    failed ends the run: nothing may pass it."""
    rows = await db.fetch(
        f"""
        SELECT s.webhook, s.going FROM schedule s
        JOIN turn t ON t.webhook = s.webhook
        WHERE s.going IS NOT NULL AND (NOT EXISTS (
            SELECT 1 FROM delivery d WHERE d.run = s.going AND d.state = 'pending'
            AND (d.lease IS NOT NULL OR d.due IS NOT NULL) {FENCE})
          OR t.ordered AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NULL
            AND d.seq = (SELECT min(seq) FROM delivery
                WHERE webhook = s.webhook AND state = 'pending') {FENCE}))
        """
    )
    return [(row["webhook"], row["going"]) for row in rows]


async def finish(db: Database, webhook: str, run: int, now: datetime) -> None:
    """Writes down what came of it; what it could not send waits for the next one."""
    if not await _close(db, webhook, run):
        return
    await lock_turn(db, webhook)
    rest = await _leave(db, run)
    counts = await _count(db, run)
    await db.fetch(
        """
        UPDATE run SET ended_at = :now, delivered = :delivered, failed = :failed,
            again = :again, waiting = waiting + :rest
        WHERE id = :run
        """,
        run=run,
        now=now,
        delivered=counts["delivered"],
        failed=counts["failed"],
        again=counts["pending"] - rest,
        rest=rest,
    )


async def _close(db: Database, webhook: str, run: int) -> bool:
    """Of two workers one does."""
    rows = await db.fetch(
        """
        UPDATE schedule SET going = NULL WHERE webhook = :webhook AND going = :run
        RETURNING webhook
        """,
        webhook=webhook,
        run=run,
    )
    return bool(rows)


async def _leave(db: Database, run: int) -> int:
    """How many it took and has not sent."""
    rows = await db.fetch(
        """
        UPDATE delivery SET due = NULL WHERE run = :run AND state = 'pending'
          AND lease IS NULL AND due IS NOT NULL AND trigger = 'plan'
        RETURNING seq
        """,
        run=run,
    )
    return len(rows)


async def _count(db: Database, run: int) -> Counter[str]:
    """Its deliveries, by state."""
    rows = await db.fetch(
        "SELECT state, count(*) AS deliveries FROM delivery WHERE run = :run"
        " GROUP BY state",
        run=run,
    )
    return Counter({row["state"]: row["deliveries"] for row in rows})
