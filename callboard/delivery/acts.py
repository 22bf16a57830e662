"""What people and the sweep do to deliveries, beside their ordinary life.

Each locks the turn of the webhook before its deliveries, as claim and record do.
"""

from datetime import datetime

from callboard.database import FENCE, Database
from callboard.delivery import buckets
from callboard.delivery.locks import lock_turn
from callboard.delivery.states import WAITING
from callboard.delivery.waking import wake
from callboard.errors import Conflict

# A try by hand may follow at once, and the column ends at 32 767.
_MOST_ATTEMPTS = 10_000
STEP = 250  # of what expires: live commits wait for no more than that to be written


async def try_now(db: Database, account: str, seq: int, now: datetime) -> None:
    """One call as soon as possible; if it fails, the plan goes on as it was.

    Raises Conflict when it is under way, no longer pending, or tried too often.
    """
    webhook = await _lock_turn_of(db, account, seq)
    changed = await db.fetch(
        """
        UPDATE delivery SET trigger = 'hand', planned = due, due = :now
        WHERE account = :account AND seq = :seq AND state = 'pending'
          AND lease IS NULL AND trigger = 'plan'
        RETURNING attempts
        """,
        account=account,
        seq=seq,
        now=now,
    )
    if not changed:
        raise Conflict("This delivery is being sent right now, or is finished already.")
    if changed[0]["attempts"] >= _MOST_ATTEMPTS:
        raise Conflict(f"This delivery was tried {_MOST_ATTEMPTS} times: cancel it.")
    await wake(db, webhook, now)


async def cancel(db: Database, account: str, seq: int, now: datetime) -> None:
    """Raises Conflict when it is under way or finished."""
    webhook = await _lock_turn_of(db, account, seq)
    if not await _cancel(db, webhook, [seq], "cancelled by a person", now):
        raise Conflict("This delivery is being sent right now, or is finished already.")


async def cancel_many(
    db: Database, webhook: str, seqs: list[int], reason: str, now: datetime
) -> None:
    """Of one webhook's deliveries; what is under way or has ended stays as it is."""
    await lock_turn(db, webhook)
    await _cancel(db, webhook, seqs, reason, now)


async def _cancel(
    db: Database, webhook: str, seqs: list[int], reason: str, now: datetime
) -> int:
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = :reason,
            due = NULL, held_until = NULL, finished_at = :now
        WHERE webhook = :webhook AND seq = ANY(:seqs) AND lease IS NULL
          AND state = ANY(:waiting)
        RETURNING bucket
        """,
        webhook=webhook,
        seqs=seqs,
        reason=reason,
        now=now,
        waiting=list(WAITING),
    )
    await buckets.dissolve(db, [row["bucket"] for row in rows if row["bucket"]])
    # An ordered webhook may have waited for one of these.
    await wake(db, webhook, now)
    return len(rows)


async def rouse(db: Database, now: datetime) -> None:
    """Wakes webhooks that sleep although something waits: an accept that committed
    later than any second look. Forgetting becomes impossible."""
    await db.fetch(
        f"""
        UPDATE turn SET next_due = :now WHERE webhook IN (
            SELECT t.webhook FROM turn t
            WHERE t.next_due IS NULL AND t.leased = 0 AND EXISTS (
                SELECT 1 FROM delivery d WHERE d.webhook = t.webhook
                AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL
                {FENCE})
            ORDER BY t.webhook FOR UPDATE SKIP LOCKED)
        """,
        now=now,
    )


async def expire(db: Database, now: datetime) -> int:
    """Ends what was held too long, up to STEP deliveries; never waits for a lock.

    Returns how many ended."""
    closed = await db.fetch("SELECT webhook FROM turn WHERE NOT open")
    if not closed:
        return 0
    # Named, or each look would read all that waits for the others.
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'expired', reason = 'held too long',
            held_until = NULL, finished_at = :now
        WHERE seq IN (
            SELECT d.seq FROM delivery d WHERE d.webhook = ANY(:closed)
              AND d.state = 'held' AND d.held_until <= :now
            LIMIT :step FOR UPDATE OF d SKIP LOCKED)
        RETURNING seq
        """,
        closed=[row["webhook"] for row in closed],
        now=now,
        step=STEP,
    )
    return len(rows)


async def _lock_turn_of(db: Database, account: str, seq: int) -> str:
    """Its webhook. First the turn, then its deliveries, as the claim does; or they
    deadlock."""
    (row,) = await db.fetch(
        """
        SELECT t.webhook FROM turn t JOIN delivery d ON d.webhook = t.webhook
        WHERE d.account = :account AND d.seq = :seq FOR UPDATE OF t
        """,
        account=account,
        seq=seq,
    )
    return str(row["webhook"])
