"""What people and the sweep do to deliveries, beside their ordinary life."""

from datetime import datetime, timedelta

from callboard.database import Database, Rows
from callboard.delivery.states import DeliveryState
from callboard.errors import Conflict

STEP = 1000


async def try_now(db: Database, account: str, seq: int, now: datetime) -> None:
    """One call as soon as possible; if it fails, the plan goes on as it was.

    Raises Conflict when it is under way or no longer pending.
    """
    changed = await db.fetch(
        """
        UPDATE delivery SET trigger = 'hand', planned = due, due = :now
        WHERE account = :account AND seq = :seq AND state = 'pending'
          AND lease IS NULL AND trigger = 'plan'
        RETURNING webhook
        """,
        account=account,
        seq=seq,
        now=now,
    )
    if not changed:
        raise Conflict("This delivery is being sent right now, or is finished already.")
    await _look_at(db, changed[0]["webhook"], now)


async def cancel(db: Database, account: str, seq: int, now: datetime) -> None:
    """Raises Conflict when it is under way or finished."""
    changed = await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = 'cancelled by a person',
            due = NULL, held_until = NULL, finished_at = :now
        WHERE account = :account AND seq = :seq AND lease IS NULL
          AND state = ANY(:waiting)
        RETURNING webhook
        """,
        account=account,
        seq=seq,
        now=now,
        waiting=[DeliveryState.PENDING, DeliveryState.HELD],
    )
    if not changed:
        raise Conflict("This delivery is being sent right now, or is finished already.")
    # An ordered webhook may have waited for this one.
    await _look_at(db, changed[0]["webhook"], now)


async def free(db: Database, worker: str, now: datetime) -> int:
    """Takes all leases of a worker away; the number of deliveries set free."""
    freed = await db.fetch(
        """
        UPDATE delivery SET lease = NULL
        WHERE state = 'pending' AND lease LIKE :pattern
          AND webhook IN (SELECT webhook FROM turn WHERE leased > 0)
        RETURNING webhook
        """,
        pattern=f"{worker}/%",
    )
    counts: dict[str, int] = {}
    for row in freed:
        counts[row["webhook"]] = counts.get(row["webhook"], 0) + 1
    await db.fetch(
        """
        UPDATE turn SET leased = leased - lost.leases, next_due = :now
        FROM {lost} WHERE turn.webhook = lost.webhook
        """,
        lost=Rows({"webhook": "text", "leases": "int"}, sorted(counts.items())),
        now=now,
    )
    return len(freed)


async def rouse(db: Database, now: datetime) -> None:
    """Wakes webhooks that sleep although something waits: an accept that committed
    later than any second look. Forgetting becomes impossible."""
    await db.fetch(
        """
        UPDATE turn SET next_due = :now
        WHERE next_due IS NULL AND leased = 0 AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = turn.webhook
            AND d.state = 'pending' AND d.lease IS NULL)
        """,
        now=now,
    )


async def follow(db: Database, now: datetime) -> bool:
    """One step of deliveries following a change of their webhook's state.

    True while there is more to do at once.
    """
    found = await db.fetch(
        """
        SELECT t.webhook, t.follow, w.hold_days FROM turn t
        JOIN webhook w ON w.id = t.webhook
        WHERE t.follow IS NOT NULL ORDER BY t.webhook LIMIT 1
        FOR UPDATE SKIP LOCKED
        """
    )
    if not found:
        return False
    webhook, act = found[0]["webhook"], found[0]["follow"]
    moved = await _STEPS[act](db, webhook, found[0]["hold_days"], now)
    if moved < STEP and not await _in_flight(db, webhook, act):
        await db.fetch(
            "UPDATE turn SET follow = NULL, next_due = :now WHERE webhook = :webhook",
            webhook=webhook,
            now=now,
        )
    return moved == STEP


async def _in_flight(db: Database, webhook: str, act: str) -> bool:
    """A call under way may come back as a pending delivery that must follow too."""
    if act not in ("hold", "cancel"):
        return False
    rows = await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND leased > 0", webhook=webhook
    )
    return bool(rows)


async def _hold(db: Database, webhook: str, hold_days: int, now: datetime) -> int:
    rows = await db.fetch(
        """
        SELECT seq, created_at FROM delivery
        WHERE webhook = :webhook AND state = 'pending' AND lease IS NULL
        ORDER BY seq LIMIT :step
        """,
        webhook=webhook,
        step=STEP,
    )
    until = [(r["seq"], r["created_at"] + timedelta(days=hold_days)) for r in rows]
    await db.fetch(
        """
        UPDATE delivery SET state = 'held', due = NULL, planned = NULL,
            trigger = 'plan', held_until = kept.until
        FROM {kept} WHERE delivery.seq = kept.seq
          AND delivery.state = 'pending' AND delivery.lease IS NULL
        """,
        kept=Rows({"seq": "bigint", "until": "timestamptz"}, until),
    )
    return len(rows)


async def _release(db: Database, webhook: str, hold_days: int, now: datetime) -> int:
    """Oldest first, with the whole plan again."""
    return await _move(
        db,
        "state = 'pending', due = :now, tries = 0, held_until = NULL, reason = NULL",
        "state = 'held'",
        webhook,
        now,
    )


async def _discard(db: Database, webhook: str, hold_days: int, now: datetime) -> int:
    return await _move(
        db,
        "state = 'cancelled', reason = 'discarded', held_until = NULL,"
        " finished_at = :now",
        "state = 'held'",
        webhook,
        now,
    )


async def _cancel_all(db: Database, webhook: str, hold_days: int, now: datetime) -> int:
    return await _move(
        db,
        "state = 'cancelled', reason = 'webhook deleted', due = NULL,"
        " held_until = NULL, finished_at = :now",
        "state IN ('pending', 'held') AND lease IS NULL",
        webhook,
        now,
    )


_STEPS = {
    "hold": _hold,
    "release": _release,
    "discard": _discard,
    "cancel": _cancel_all,
}


async def _move(
    db: Database, changes: str, which: str, webhook: str, now: datetime
) -> int:
    rows = await db.fetch(
        f"""
        UPDATE delivery SET {changes} WHERE seq IN (
            SELECT seq FROM delivery WHERE webhook = :webhook AND {which}
            ORDER BY seq LIMIT :step)
        RETURNING seq
        """,
        webhook=webhook,
        step=STEP,
        now=now,
    )
    return len(rows)


async def expire(db: Database, now: datetime) -> int:
    """Ends up to a step of what was held until now."""
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'expired', reason = 'held too long',
            held_until = NULL, finished_at = :now
        WHERE seq IN (
            SELECT d.seq FROM turn t JOIN delivery d ON d.webhook = t.webhook
            WHERE NOT t.open AND d.state = 'held' AND d.held_until <= :now
            LIMIT :step)
        RETURNING seq
        """,
        now=now,
        step=STEP,
    )
    return len(rows)


async def _look_at(db: Database, webhook: str, now: datetime) -> None:
    await db.fetch(
        "UPDATE turn SET next_due = :now WHERE webhook = :webhook",
        webhook=webhook,
        now=now,
    )
