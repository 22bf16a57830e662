"""Forgets what ended long ago, in small steps, oldest first."""

from datetime import datetime, timedelta

from callboard import ids
from callboard.database import FENCE, Database, writing

STEP = 500


async def forget(keep: timedelta, now: datetime) -> int:
    """One step: up to 500 events older than `keep`, with all that came of them.

    An event stays while a delivery of it waits. Returns how many are gone.
    """
    async with writing() as db:
        events = await _idle(db, await _old_events(db, now - keep))
        if events:
            await _delete(db, events)
        await db.fetch("DELETE FROM tally WHERE bucket < :since", since=now - keep)
        await db.fetch("DELETE FROM notice WHERE created_at < :since", since=now - keep)
        await db.fetch("DELETE FROM run WHERE ended_at < :since", since=now - keep)
        await db.fetch(
            "DELETE FROM replay WHERE finished_at < :since", since=now - keep
        )
    return len(events)


async def _old_events(db: Database, before: datetime) -> list[str]:
    """Ids sort by the time they were made, so the primary key finds the oldest."""
    rows = await db.fetch(
        f"""
        SELECT id FROM event WHERE id < :first AND NOT EXISTS (
            SELECT 1 FROM delivery d WHERE d.event = event.id
            AND d.state IN ('pending', 'held') {FENCE})
        ORDER BY id LIMIT :step FOR UPDATE SKIP LOCKED
        """,
        first=ids.earliest("evt", before),
        step=STEP,
    )
    return [row["id"] for row in rows]


async def _idle(db: Database, events: list[str]) -> list[str]:
    """Somebody may have sent one again after we began to look and before we held it."""
    rows = await db.fetch(
        f"""
        SELECT id FROM event WHERE id = ANY(:events) AND NOT EXISTS (
            SELECT 1 FROM delivery d WHERE d.event = event.id
            AND d.state IN ('pending', 'held') {FENCE})
        """,
        events=events,
    )
    return [row["id"] for row in rows]


async def _delete(db: Database, events: list[str]) -> None:
    await db.fetch(
        """
        DELETE FROM attempt WHERE delivery IN (
            SELECT seq FROM delivery WHERE event = ANY(:events))
        """,
        events=events,
    )
    await db.fetch("DELETE FROM delivery WHERE event = ANY(:events)", events=events)
    await db.fetch("DELETE FROM event WHERE id = ANY(:events)", events=events)
