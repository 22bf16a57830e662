"""Steps after which deliveries wait no more: they go out again, or end."""

from datetime import datetime
from typing import Any

from callboard.database import Database, Row
from callboard.ids import AFTER_ALL

_AHEAD = 100
_DUE_AGAIN = """state = 'pending', due = {due}, tries = 0, planned = NULL,
    trigger = 'plan', held_until = NULL, reason = NULL"""
_HELD = "state = 'held' AND lease IS NULL"
_HELD_OR_IN_GAP = """state IN ('pending', 'held') AND lease IS NULL
    AND (state = 'held' OR seq >= :gap_from AND seq < :gap_to)"""


async def room(db: Database, webhook: str, row: Row, now: datetime) -> int:
    """How many may be released now: so few that no live event is ever far behind them.

    Counted are those released before and still waiting. What came later does not
    count, or live traffic could keep the older deliveries from going out at all."""
    most = max(2 * int(row["cap"]), _AHEAD)
    rows = await db.fetch(
        """
        SELECT count(*) AS waiting FROM (
            SELECT state, due, lease FROM delivery WHERE webhook = :webhook
            AND state IN ('pending', 'held') AND seq < (
                SELECT CASE WHEN gap_to > 0 THEN gap_from ELSE (
                    SELECT min(seq) FROM delivery WHERE webhook = :webhook
                    AND state = 'held') END
                FROM turn WHERE webhook = :webhook)
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
    """Oldest first, with the whole plan again. The gap begins after the last of them:
    what waits in it goes out in its turn, whether or not it had been put on hold."""
    moved = await _move(
        db,
        _DUE_AGAIN.format(due="NULL" if row["scheduled"] else ":now"),
        _HELD_OR_IN_GAP if row["gap_to"] else _HELD,
        webhook,
        step,
        now,
        gap_from=row["gap_from"],
        gap_to=row["gap_to"],
    )
    await db.fetch(
        "UPDATE turn SET gap_from = :after"
        " WHERE webhook = :webhook AND gap_to > 0 AND gap_from < :after",
        after=max(moved, default=-1) + 1,
        webhook=webhook,
    )
    return len(moved)


async def discard(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    """What waited when it was activated, whether or not it had been put on hold yet."""
    return await _cancel(db, "discarded", row["discards_to"], webhook, step, now)


async def is_discarding(db: Database, webhook: str, row: Row) -> bool:
    """While some of it is under way, and may come back."""
    rows = await db.fetch(
        """
        SELECT 1 FROM delivery WHERE webhook = :webhook
        AND state IN ('pending', 'held') AND seq < :before LIMIT 1
        """,
        webhook=webhook,
        before=row["discards_to"],
    )
    return bool(rows)


async def cancel_all(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    return await _cancel(db, "webhook deleted", AFTER_ALL, webhook, step, now)


async def _cancel(
    db: Database, reason: str, before: int, webhook: str, step: int, now: datetime
) -> int:
    moved = await _move(
        db,
        "state = 'cancelled', reason = :reason, due = NULL,"
        " held_until = NULL, finished_at = :now",
        "state IN ('pending', 'held') AND lease IS NULL AND seq < :before",
        webhook,
        step,
        now,
        reason=reason,
        before=before,
    )
    return len(moved)


async def _move(
    db: Database,
    changes: str,
    which: str,
    webhook: str,
    step: int,
    now: datetime,
    **values: Any,
) -> list[int]:
    """The oldest of them, by `seq`."""
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
    return [row["seq"] for row in rows]
