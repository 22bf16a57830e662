"""Steps that keep deliveries for later."""

from datetime import datetime, timedelta

from callboard.database import Database, Row, Rows
from callboard.delivery.states import DeliveryState
from callboard.ids import AFTER_ALL
from callboard.webhooks import turn

# Quick however much waits: the order is that of the index over what is pending, and
# `+ 0` keeps the planner from one by `seq`, for which it would read all that waits and
# sort it.
_PENDING = """
    SELECT seq, created_at FROM delivery
    WHERE webhook = :webhook AND state = 'pending' AND lease IS NULL
      AND seq + 0 >= :first AND seq + 0 < :end
    ORDER BY due, seq LIMIT :step
"""
# By the key alone, which is enough as the turn is locked: with the state in it, too, a
# plan that was made while little waited would go through everything for each row.
_HOLD = """
    UPDATE delivery SET state = 'held', due = NULL, planned = NULL,
        trigger = 'plan', held_until = kept.until
    FROM {kept} WHERE delivery.seq = kept.seq
"""
_KEPT = {"seq": "bigint", "until": "timestamptz"}


async def hold(db: Database, webhook: str, row: Row, step: int, now: datetime) -> int:
    """What is pending, or of that what lies in the gap where there is one."""
    rows = await db.fetch(
        _PENDING,
        webhook=webhook,
        first=row["gap_from"],
        end=row["gap_to"] or AFTER_ALL,
        step=step,
    )
    kept = timedelta(days=row["hold_days"])
    until = [(each["seq"], each["created_at"] + kept) for each in rows]
    await db.fetch(_HOLD, kept=Rows(_KEPT, until))
    return len(rows)


async def salvage(
    db: Database, webhook: str, row: Row, step: int, now: datetime
) -> int:
    """Deliveries that failed for good since the last success are held, too."""
    if not row["hold_days"]:
        return 0
    rows = await db.fetch(
        f"SELECT d.seq FROM turn t JOIN delivery d ON d.webhook = t.webhook"
        f" WHERE t.webhook = :webhook AND {turn.LOST} ORDER BY d.seq LIMIT :step",
        webhook=webhook,
        step=step,
    )
    await keep(db, [each["seq"] for each in rows], row["hold_days"])
    return len(rows)


async def keep(db: Database, seqs: list[int], hold_days: int) -> None:
    """Holds what failed for good, as if it had not been tried."""
    rows = await db.fetch(
        "SELECT seq, state, created_at FROM delivery WHERE seq = ANY(:seqs)", seqs=seqs
    )
    kept = timedelta(days=hold_days)
    until = [
        (each["seq"], each["created_at"] + kept)
        for each in rows
        if each["state"] == DeliveryState.FAILED
    ]
    await db.fetch(
        """
        UPDATE delivery SET state = 'held', reason = NULL, finished_at = NULL,
            tries = 0, held_until = kept.until
        FROM {kept} WHERE delivery.seq = kept.seq
        """,
        kept=Rows(_KEPT, until),
    )
