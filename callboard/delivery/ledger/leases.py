"""The statements that lease what is due of webhooks whose turns are locked."""

from collections.abc import Sequence
from datetime import datetime

from callboard.database import Database, Row, Rows
from callboard.delivery.turns import LATE, Turn

# The head of an ordered webhook is its oldest waiting delivery, held ones included: it
# goes next or nothing goes.
_HEAD = """
    SELECT d.seq FROM delivery d
    WHERE d.seq = (SELECT seq FROM delivery WHERE webhook = {webhook}
                   AND state IN ('pending', 'held') ORDER BY seq LIMIT 1)
      AND d.lease IS NULL AND d.due <= :now
"""
_OLDEST_DUE = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
    ORDER BY d.due, d.seq
"""
# What was held, or waited for a run, was made before it was due.
_SHOWN = """
    d.seq, d.account, d.webhook, d.trigger, d.tries, d.attempts, d.planned,
    d.event, e.type, e.data, e.context, e.occurred_at, d.bucket,
    d.trigger = 'replay' OR d.trigger = 'plan'
        AND d.tries = 0 AND d.created_at < d.due AS deferred,
    d.trigger = 'plan' AND d.due < :late AS late
"""
_LEASE_POSTGRES = f"""
    UPDATE delivery AS d SET lease = :lease
    FROM (
        SELECT oldest.seq FROM {{loose}} CROSS JOIN LATERAL (
            {_OLDEST_DUE.format(webhook="loose.webhook")} LIMIT loose.take) AS oldest
        UNION ALL
        SELECT head.seq FROM {{ordered}} CROSS JOIN LATERAL (
            {_HEAD.format(webhook="ordered.webhook")}) AS head
    ) AS picked, event AS e
    WHERE d.seq = picked.seq AND e.id = d.event
    RETURNING {_SHOWN}
"""
_PICK_SQLITE = f"""
    SELECT {_SHOWN} FROM ({{seqs}} LIMIT :take) AS picked
    JOIN delivery d ON d.seq = picked.seq JOIN event e ON e.id = d.event
"""
_PICK_HEAD = _PICK_SQLITE.format(seqs=_HEAD.format(webhook=":webhook"))
_PICK_OLDEST = _PICK_SQLITE.format(seqs=_OLDEST_DUE.format(webhook=":webhook"))
_TAKES = {"webhook": "text", "take": "int"}

Takes = Sequence[tuple[Turn, int]]


async def lease_due(
    db: Database, takes: Takes, lease: str, now: datetime
) -> Sequence[Row]:
    """Of each turn's webhook up to so many, the oldest first."""
    wanted = [(turn, take) for turn, take in takes if take]
    lease_them = _lease_sqlite if db.is_sqlite else _lease_postgres
    return await lease_them(db, wanted, lease, now) if wanted else []


async def _lease_postgres(
    db: Database, takes: Takes, lease: str, now: datetime
) -> Sequence[Row]:
    loose = [(turn.webhook, take) for turn, take in takes if not turn.ordered]
    ordered = [(turn.webhook, take) for turn, take in takes if turn.ordered]
    return await db.fetch(
        _LEASE_POSTGRES,
        lease=lease,
        loose=Rows(_TAKES, loose),
        ordered=Rows(_TAKES, ordered),
        now=now,
        late=now - LATE,
    )


async def _lease_sqlite(
    db: Database, takes: Takes, lease: str, now: datetime
) -> Sequence[Row]:
    """SQLite has no LATERAL; it has no network between us either."""
    picked: list[Row] = []
    for turn, take in takes:
        pick = _PICK_HEAD if turn.ordered else _PICK_OLDEST
        picked += await db.fetch(
            pick, webhook=turn.webhook, take=take, now=now, late=now - LATE
        )
    await db.fetch(
        "UPDATE delivery SET lease = :lease WHERE seq = ANY(:seqs)",
        lease=lease,
        seqs=[row["seq"] for row in picked],
    )
    return picked
