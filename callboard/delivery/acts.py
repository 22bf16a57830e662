"""What people and the sweep do to deliveries, beside their ordinary life.

Each locks the turn of the webhook before its deliveries, as claim and record do.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from callboard.database import Database, Row, Rows
from callboard.delivery import buckets
from callboard.delivery.states import DeliveryState
from callboard.errors import Conflict

STEP = 1000
_LATELY = timedelta(days=1)


async def try_now(db: Database, account: str, seq: int, now: datetime) -> None:
    """One call as soon as possible; if it fails, the plan goes on as it was.

    Raises Conflict when it is under way or no longer pending.
    """
    await _lock_turn_of(db, account, seq)
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
    await _lock_turn_of(db, account, seq)
    changed = await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = 'cancelled by a person',
            due = NULL, held_until = NULL, finished_at = :now
        WHERE account = :account AND seq = :seq AND lease IS NULL
          AND state = ANY(:waiting)
        RETURNING webhook, bucket
        """,
        account=account,
        seq=seq,
        now=now,
        waiting=[DeliveryState.PENDING, DeliveryState.HELD],
    )
    if not changed:
        raise Conflict("This delivery is being sent right now, or is finished already.")
    await buckets.dissolve(db, [row["bucket"] for row in changed if row["bucket"]])
    # An ordered webhook may have waited for this one.
    await _look_at(db, changed[0]["webhook"], now)


async def cancel_many(
    db: Database, webhook: str, seqs: list[int], reason: str, now: datetime
) -> None:
    """Of one webhook's deliveries; what is under way or has ended stays as it is."""
    await db.fetch(
        "SELECT webhook FROM turn WHERE webhook = :webhook FOR UPDATE", webhook=webhook
    )
    await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = :reason,
            due = NULL, held_until = NULL, finished_at = :now
        WHERE webhook = :webhook AND seq = ANY(:seqs) AND lease IS NULL
          AND state = ANY(:waiting)
        """,
        webhook=webhook,
        seqs=seqs,
        reason=reason,
        now=now,
        waiting=[DeliveryState.PENDING, DeliveryState.HELD],
    )
    await _look_at(db, webhook, now)


async def free(db: Database, worker: str, now: datetime) -> int:
    """Takes all leases of a worker away; the number of deliveries set free."""
    return await _free(db, "d.lease LIKE :leases", f"{worker}/%", now)


async def free_claims(db: Database, leases: list[str], now: datetime) -> int:
    """The same for single claims."""
    return await _free(db, "d.lease = ANY(:leases)", leases, now)


async def _free(
    db: Database, which: str, leases: str | list[str], now: datetime
) -> int:
    locked = await db.fetch(
        f"""
        SELECT webhook FROM turn WHERE leased > 0 AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = turn.webhook
            AND d.state = 'pending' AND {which})
        ORDER BY webhook FOR UPDATE
        """,
        leases=leases,
    )
    freed = await db.fetch(
        f"""
        UPDATE delivery AS d SET lease = NULL
        WHERE d.webhook = ANY(:webhooks) AND d.state = 'pending' AND {which}
        RETURNING webhook, due
        """,
        webhooks=[row["webhook"] for row in locked],
        leases=leases,
    )
    # Those without a due time ride with another one: they were no calls.
    counts = Counter(row["webhook"] for row in freed if row["due"] is not None)
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
        UPDATE turn SET next_due = :now WHERE webhook IN (
            SELECT t.webhook FROM turn t
            WHERE t.next_due IS NULL AND t.leased = 0 AND EXISTS (
                SELECT 1 FROM delivery d WHERE d.webhook = t.webhook
                AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL)
            ORDER BY t.webhook FOR UPDATE SKIP LOCKED)
        """,
        now=now,
    )


async def following(db: Database) -> list[str]:
    """The webhooks whose deliveries must follow a change of state."""
    rows = await db.fetch(
        "SELECT webhook FROM turn WHERE follow IS NOT NULL ORDER BY webhook"
    )
    return [row["webhook"] for row in rows]


async def gather(db: Database, now: datetime) -> None:
    """Deliveries that an accept committed just after their webhook was stopped, or
    put on hold just after it was activated."""
    await db.fetch(
        """
        UPDATE turn SET follow = (
            SELECT CASE w.state WHEN 'active' THEN 'release'
                WHEN 'deleted' THEN 'cancel' ELSE 'hold' END
            FROM webhook w WHERE w.id = turn.webhook)
        WHERE webhook IN (
            SELECT t.webhook FROM turn t JOIN webhook w ON w.id = t.webhook
            WHERE t.follow IS NULL AND w.state_since > :lately AND EXISTS (
                SELECT 1 FROM delivery d WHERE d.webhook = t.webhook
                AND d.state IN ('pending', 'held')
                AND d.state = CASE WHEN t.open THEN 'held' ELSE 'pending' END)
            ORDER BY t.webhook FOR UPDATE OF t SKIP LOCKED)
        """,
        lately=now - _LATELY,
    )


async def follow(db: Database, webhook: str, now: datetime) -> bool:
    """One step of a webhook's deliveries. True while there is more to do at once."""
    found = await db.fetch(
        """
        SELECT t.follow, t.open, w.hold_days, w.state_since, w.cause,
               s.next_run IS NOT NULL AS scheduled
        FROM turn t JOIN webhook w ON w.id = t.webhook
        LEFT JOIN schedule s ON s.webhook = t.webhook
        WHERE t.webhook = :webhook AND t.follow IS NOT NULL FOR UPDATE OF t
        """,
        webhook=webhook,
    )
    if not found:
        return False
    (row,) = found
    act = row["follow"]
    moved = await _STEPS[act](db, webhook, row, now)
    if moved < STEP and not await _in_flight(db, webhook, act):
        then = _next_act(act, row)
        await db.fetch(
            "UPDATE turn SET follow = :then, next_due = :now WHERE webhook = :webhook",
            then=then,
            webhook=webhook,
            now=now,
        )
        return then is not None
    return moved == STEP


def _next_act(act: str, row: Row) -> str | None:
    """What failed is held first; and what came after a webhook was stopped again before
    all was discarded is still to be held."""
    if act == "salvage":
        return "hold"
    if act == "discard" and not row["open"]:
        return "salvage" if row["cause"] else "hold"
    return None


async def _in_flight(db: Database, webhook: str, act: str) -> bool:
    """A call under way may come back as a pending delivery that must follow too."""
    if act not in ("hold", "cancel"):
        return False
    rows = await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND leased > 0", webhook=webhook
    )
    return bool(rows)


async def _hold(db: Database, webhook: str, row: Row, now: datetime) -> int:
    rows = await db.fetch(
        """
        SELECT seq, created_at FROM delivery
        WHERE webhook = :webhook AND state = 'pending' AND lease IS NULL
        ORDER BY seq LIMIT :step
        """,
        webhook=webhook,
        step=STEP,
    )
    kept = timedelta(days=row["hold_days"])
    until = [(each["seq"], each["created_at"] + kept) for each in rows]
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


async def _salvage(db: Database, webhook: str, row: Row, now: datetime) -> int:
    """Deliveries that failed for good since the last success are held, too."""
    if not row["hold_days"]:
        return 0
    rows = await db.fetch(
        """
        SELECT d.seq, d.created_at FROM health h JOIN turn t ON t.webhook = h.webhook
        JOIN delivery d ON d.webhook = h.webhook
        WHERE h.webhook = :webhook AND d.seq >= h.first_lost AND d.state = 'failed'
          AND (t.succeeded_at IS NULL OR d.finished_at > t.succeeded_at)
        ORDER BY d.seq LIMIT :step
        """,
        webhook=webhook,
        step=STEP,
    )
    kept = timedelta(days=row["hold_days"])
    until = [(each["seq"], each["created_at"] + kept) for each in rows]
    await db.fetch(
        """
        UPDATE delivery SET state = 'held', reason = NULL, finished_at = NULL,
            tries = 0, held_until = kept.until
        FROM {kept} WHERE delivery.seq = kept.seq AND delivery.state = 'failed'
        """,
        kept=Rows({"seq": "bigint", "until": "timestamptz"}, until),
    )
    return len(rows)


async def _release(db: Database, webhook: str, row: Row, now: datetime) -> int:
    """Oldest first, with the whole plan again."""
    due = "NULL" if row["scheduled"] else ":now"
    return await _move(
        db,
        f"state = 'pending', due = {due}, tries = 0, held_until = NULL, reason = NULL",
        "state = 'held'",
        webhook,
        now,
    )


async def _discard(db: Database, webhook: str, row: Row, now: datetime) -> int:
    """Not what came later: the webhook may have been stopped again meanwhile."""
    return await _move(
        db,
        "state = 'cancelled', reason = 'discarded', held_until = NULL,"
        " finished_at = :now",
        "state = 'held' AND created_at <= :before",
        webhook,
        now,
        before=row["state_since"],
    )


async def _cancel_all(db: Database, webhook: str, row: Row, now: datetime) -> int:
    return await _move(
        db,
        "state = 'cancelled', reason = 'webhook deleted', due = NULL,"
        " held_until = NULL, finished_at = :now",
        "state IN ('pending', 'held') AND lease IS NULL",
        webhook,
        now,
    )


_STEPS = {
    "salvage": _salvage,
    "hold": _hold,
    "release": _release,
    "discard": _discard,
    "cancel": _cancel_all,
}


async def _move(
    db: Database, changes: str, which: str, webhook: str, now: datetime, **values: Any
) -> int:
    rows = await db.fetch(
        f"""
        UPDATE delivery SET {changes} WHERE seq IN (
            SELECT seq FROM delivery WHERE webhook = :webhook AND {which}
            ORDER BY seq LIMIT :step FOR UPDATE)
        RETURNING seq
        """,
        webhook=webhook,
        step=STEP,
        now=now,
        **values,
    )
    return len(rows)


async def expire(db: Database, now: datetime) -> int:
    """Ends up to a step of what was held until now; never waits for a lock."""
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'expired', reason = 'held too long',
            held_until = NULL, finished_at = :now
        WHERE seq IN (
            SELECT d.seq FROM turn t JOIN delivery d ON d.webhook = t.webhook
            WHERE NOT t.open AND d.state = 'held' AND d.held_until <= :now
            LIMIT :step FOR UPDATE OF d SKIP LOCKED)
        RETURNING seq
        """,
        now=now,
        step=STEP,
    )
    return len(rows)


async def _lock_turn_of(db: Database, account: str, seq: int) -> None:
    """First the turn, then its deliveries, as the claim does; or they deadlock."""
    await db.fetch(
        """
        SELECT t.webhook FROM turn t JOIN delivery d ON d.webhook = t.webhook
        WHERE d.account = :account AND d.seq = :seq FOR UPDATE OF t
        """,
        account=account,
        seq=seq,
    )


async def _look_at(db: Database, webhook: str, now: datetime) -> None:
    await db.fetch(
        "UPDATE turn SET next_due = :now WHERE webhook = :webhook",
        webhook=webhook,
        now=now,
    )
