"""Deliveries follow when a webhook gets a schedule, or loses it."""

from datetime import datetime

from callboard.database import FENCE, Database
from callboard.delivery.locks import lock_turn
from callboard.delivery.waking import wake

_STEP = 1000


async def misplaced(db: Database) -> list[str]:
    """Webhooks with deliveries that did not follow a change of the schedule: due by
    themselves although a run should take them, or waiting for a run that never is."""
    rows = await db.fetch(
        f"""
        SELECT s.webhook FROM schedule s WHERE s.next_run IS NULL AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NULL {FENCE})
        OR s.next_run IS NOT NULL AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL
            AND d.run IS NULL AND d.trigger = 'plan' {FENCE})
        """
    )
    return [row["webhook"] for row in rows]


async def align(db: Database, webhook: str, now: datetime) -> None:
    """One step of making these follow."""
    await lock_turn(db, webhook)
    rows = await db.fetch(
        "SELECT next_run FROM schedule WHERE webhook = :webhook", webhook=webhook
    )
    if rows[0]["next_run"] is None:
        changes, which = "due = :now, run = NULL, bucket = NULL", "due IS NULL"
    else:
        changes = "due = NULL"
        which = "due IS NOT NULL AND run IS NULL AND trigger = 'plan'"
    await db.fetch(
        f"""
        UPDATE delivery SET {changes} WHERE seq IN (
            SELECT seq FROM delivery WHERE webhook = :webhook AND state = 'pending'
            AND lease IS NULL AND {which} ORDER BY seq LIMIT :step)
        """,
        webhook=webhook,
        now=now,
        step=_STEP,
    )
    await wake(db, webhook, now)
