"""Deliveries follow their webhook's change of state, in steps.

Each locks the turn of the webhook before its deliveries, as claim and record do.
"""

from datetime import datetime, timedelta
from typing import Any

from callboard.database import Database, Row, Rows
from callboard.delivery.states import DeliveryState
from callboard.webhooks import turn
from callboard.webhooks.states import WebhookState

STEP = 1000
_AHEAD = 100
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
        """
        UPDATE turn SET follow = (
            SELECT CASE WHEN turn.open THEN 'release'
                WHEN w.state = 'deleted' THEN 'cancel' ELSE 'hold' END
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
    # First the lock: a statement that waits for it would see the others' old rows.
    found = await db.fetch(
        """
        SELECT webhook FROM turn WHERE webhook = :webhook AND follow IS NOT NULL
        FOR UPDATE
        """,
        webhook=webhook,
    )
    if not found:
        return False
    (row,) = await db.fetch(
        """
        SELECT t.follow, t.salvages_from, t.salvages_after, t.discards_before, t.cap,
               w.state, w.hold_days, s.next_run IS NOT NULL AS scheduled, h.verdict
        FROM turn t JOIN webhook w ON w.id = t.webhook
        LEFT JOIN schedule s ON s.webhook = t.webhook
        LEFT JOIN health h ON h.webhook = t.webhook
        WHERE t.webhook = :webhook
        """,
        webhook=webhook,
    )
    act = _next_act(row)
    paced = act == "release" and not row["scheduled"]
    step = await _room(db, webhook, row["cap"], now) if paced else STEP
    moved = await _STEPS[act](db, webhook, row, step, now)
    if moved == step or await _must_wait(db, webhook, row, act):
        return moved == STEP and not paced
    return await _go_on(db, webhook, row, act, now)


def _next_act(row: Row) -> str:
    """What failed is held first, then goes what is discarded; in the end all are where
    the webhook's state, whatever it is by now, wants them."""
    act: str = row["follow"]
    if act == "cancel":
        return act
    if row["salvages_from"] is not None:
        return "salvage"
    return "discard" if row["discards_before"] is not None else act


async def _go_on(
    db: Database, webhook: str, row: Row, done: str, now: datetime
) -> bool:
    """True if something else follows. An activated webhook has no calls before all is
    held and discarded; neither has one that is to be deactivated."""
    is_active = row["state"] == WebhookState.ACTIVE and row["verdict"] is None
    then = row["follow"]
    if done == then:
        then = "release" if done == "hold" and is_active else None
    discards = row["discards_before"] is not None and done != "discard"
    await db.fetch(
        """
        UPDATE turn SET follow = :then, next_due = :now, salvages_from = NULL,
            discards_before = CASE WHEN :discards THEN discards_before END,
            open = open OR :opens
        WHERE webhook = :webhook
        """,
        then=then,
        discards=discards,
        opens=is_active and then == "release" and not discards,
        webhook=webhook,
        now=now,
    )
    return then is not None


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
        kept=Rows({"seq": "bigint", "until": "timestamptz"}, until),
    )


async def _room(db: Database, webhook: str, cap: int, now: datetime) -> int:
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


async def _must_wait(db: Database, webhook: str, row: Row, act: str) -> bool:
    """A call under way may come back as a pending delivery that must follow too."""
    if act not in ("hold", "discard", "cancel"):
        return False
    if act == "hold" and row["state"] == WebhookState.ACTIVE:
        return False
    rows = await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND leased > 0", webhook=webhook
    )
    return bool(rows)


async def _hold(db: Database, webhook: str, row: Row, step: int, now: datetime) -> int:
    """In the order of an index that leaves out what is held already. What is found is
    changed by its key alone: the turn is locked, and if more were asked for, a plan for
    a table in which little waits would go through all that does for each."""
    rows = await db.fetch(
        """
        SELECT seq, created_at FROM delivery
        WHERE webhook = :webhook AND state = 'pending' AND lease IS NULL
        ORDER BY due, seq LIMIT :step
        """,
        webhook=webhook,
        step=step,
    )
    kept = timedelta(days=row["hold_days"])
    until = [(each["seq"], each["created_at"] + kept) for each in rows]
    await db.fetch(
        """
        UPDATE delivery SET state = 'held', due = NULL, planned = NULL,
            trigger = 'plan', held_until = kept.until
        FROM {kept} WHERE delivery.seq = kept.seq
        """,
        kept=Rows({"seq": "bigint", "until": "timestamptz"}, until),
    )
    return len(rows)


async def _salvage(
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


async def _release(
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


async def _discard(
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


async def _cancel_all(
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


_STEPS = {
    "salvage": _salvage,
    "hold": _hold,
    "release": _release,
    "discard": _discard,
    "cancel": _cancel_all,
}


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
