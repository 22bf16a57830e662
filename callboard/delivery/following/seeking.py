"""Whose deliveries have to follow."""

from datetime import datetime, timedelta

from callboard.database import FENCE, Database

_LATELY = timedelta(days=1)


async def webhooks(db: Database) -> list[str]:
    """The webhooks whose deliveries must follow a change of state."""
    rows = await db.fetch(
        "SELECT webhook FROM turn WHERE follow IS NOT NULL ORDER BY webhook"
    )
    return [row["webhook"] for row in rows]


async def gather(db: Database, now: datetime) -> None:
    """Deliveries that an accept committed just after their webhook was stopped, or
    put on hold just after it was activated."""
    await db.fetch(
        f"""
        UPDATE turn SET follow = (
            SELECT CASE WHEN turn.open THEN 'release'
                WHEN w.state = 'deleted' THEN 'cancel' ELSE 'hold' END
            FROM webhook w WHERE w.id = turn.webhook)
        WHERE webhook IN (
            SELECT t.webhook FROM turn t JOIN webhook w ON w.id = t.webhook
            WHERE t.follow IS NULL AND w.state_since > :lately AND (
                t.open AND EXISTS (SELECT 1 FROM delivery d
                    WHERE d.webhook = t.webhook AND d.state = 'held' {FENCE})
                OR NOT t.open AND EXISTS (SELECT 1 FROM delivery d
                    WHERE d.webhook = t.webhook AND d.state = 'pending'
                    AND d.lease IS NULL {FENCE}))
            ORDER BY t.webhook FOR UPDATE OF t SKIP LOCKED)
        """,
        lately=now - _LATELY,
    )
