"""Steps after which deliveries wait no more: they go out again, or end."""

from datetime import datetime
from typing import Any

from callboard.database import Database, Row

_AHEAD = 100


async def room(db: Database, webhook: str, cap: int, now: datetime) -> int:
    """So few that a live event is never far behind what goes out again; what came
    later does not count, or it would keep the older from going out at all."""
    most = max(2 * cap, _AHEAD)
    rows = await db.fetch(
        """
        SELECT count(*) AS waiting FROM (
            SELECT state, due, lease FROM delivery WHERE webhook = :webhook
            AND state IN ('pending', 'held') AND seq < (SELECT min(seq) FROM delivery
                WHERE webhook = :webhook AND state = 'held')
            ORDER BY seq DESC LIMIT :most
        ) AS released WHERE due <= :now AND lease IS NULL
        """,
        webhook=webhook,
        now=now,
        most=most,
    )
    return most - int(rows[0]["waiting"])


async def release(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    """Oldest first, with the whole plan again."""
    due = "NULL" if row["scheduled"] else ":now"
    return await _move(
        db,
        f"state = 'pending', due = {due}, tries = 0, held_until = NULL, reason = NULL",
        "state = 'held'",
        webhook,
        step,
        now,
    )


async def discard(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    """What waited when it was activated, whether or not it had been put on hold yet."""
    return await _move(
        db,
        "state = 'cancelled', reason = 'discarded', due = NULL,"
        " held_until = NULL, finished_at = :now",
        "state IN ('pending', 'held') AND lease IS NULL AND created_at <= :before",
        webhook,
        step,
        now,
        before=row["discards_before"],
    )


async def cancel_all(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    return await _move(
        db,
        "state = 'cancelled', reason = 'webhook deleted', due = NULL,"
        " held_until = NULL, finished_at = :now",
        "state IN ('pending', 'held') AND lease IS NULL",
        webhook,
        step,
        now,
    )


async def _move(
    db: Database,
    changes: str,
    which: str,
    webhook: str,
    step: int,
    now: datetime,
    **values: Any,
) -> int:
    rows = await db.fetch(
        f"""
        UPDATE delivery SET {changes} WHERE seq IN (
            SELECT seq FROM delivery WHERE webhook = :webhook AND {which}
            ORDER BY seq LIMIT :step FOR UPDATE)
        RETURNING seq
        """,
        webhook=webhook,
        step=step,
        now=now,
        **values,
    )
    return len(rows)
