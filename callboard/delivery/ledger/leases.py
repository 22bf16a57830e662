"""The statements that lease what is due of webhooks whose turns are locked."""

from collections.abc import Sequence
from datetime import datetime

from callboard.database import Database, Row, Rows
from callboard.delivery.turns import LATE, Turn

# The head of an ordered webhook is its oldest waiting delivery, held ones included but
# not what is to be discarded: it goes next or nothing goes.
_HEAD = """
    SELECT d.seq FROM delivery d
    WHERE d.seq = (SELECT seq FROM delivery WHERE webhook = {webhook}
                   AND state IN ('pending', 'held') AND seq >= {discards_to}
                   ORDER BY seq LIMIT 1)
      AND NOT (d.seq >= {gap_from} AND d.seq < {gap_to})
      AND d.lease IS NULL AND d.due <= :now
"""
_OLDEST_DUE = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
    ORDER BY d.due, d.seq
"""
# In the order of their making, which finds both sides of a gap at once, however much
# lies in it; those waiting for another try are passed, which are few. What is held has
# no due time: to ask for the state would suggest an index in another order.
_SIDE = """
    SELECT * FROM (
        SELECT d.due, d.seq FROM delivery d
        WHERE d.webhook = {webhook} AND d.state IN ('pending', 'held')
          AND d.lease IS NULL AND d.due <= :now AND d.seq %s
        ORDER BY d.seq LIMIT {take}) AS side
"""
_BESIDE_GAP = f"""
    SELECT seq FROM (
        {_SIDE % "< {gap_from}"} UNION ALL {_SIDE % ">= {gap_to}"}
    ) AS beside ORDER BY due, seq
"""
# What was held, or waited for a run, was made before it was due.
_SHOWN = """
    d.seq, d.account, d.webhook, d.trigger, d.tries, d.attempts, d.planned, d.bucket,
    d.trigger = 'replay' OR d.trigger = 'plan'
        AND d.tries = 0 AND d.created_at < d.due AS deferred,
    d.trigger = 'plan' AND d.due < :late AS late, e.id AS event
"""
_TAKES = {"webhook": "text", "take": "int"}
_BOUNDED = _TAKES | {"discards_to": "bigint", "gap_from": "bigint", "gap_to": "bigint"}


def _of(where: str, pick: str) -> str:
    """With what it asks for taken from a table, or from the arguments."""
    return pick.format(**{name: where + name for name in _BOUNDED})


_LEASE_POSTGRES = f"""
    UPDATE delivery AS d SET lease = :lease
    FROM (
        SELECT oldest.seq FROM {{loose}} CROSS JOIN LATERAL (
            {_of("loose.", _OLDEST_DUE)} LIMIT loose.take) AS oldest
        UNION ALL
        SELECT beside.seq FROM {{gaping}} CROSS JOIN LATERAL (
            {_of("gaping.", _BESIDE_GAP)} LIMIT gaping.take) AS beside
        UNION ALL
        SELECT head.seq FROM {{ordered}} CROSS JOIN LATERAL (
            {_of("ordered.", _HEAD)}) AS head
    ) AS picked, event AS e
    WHERE d.seq = picked.seq AND e.id = d.event
    RETURNING {_SHOWN}
"""
_PICK_SQLITE = f"""
    SELECT {_SHOWN} FROM ({{pick}} LIMIT :take) AS picked
    JOIN delivery d ON d.seq = picked.seq JOIN event e ON e.id = d.event
"""

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
    of_kind: dict[str, list[tuple[object, ...]]]
    of_kind = {_OLDEST_DUE: [], _BESIDE_GAP: [], _HEAD: []}
    for turn, take in takes:
        of_kind[_pick(turn)].append(_terms(turn, take))
    return await db.fetch(
        _LEASE_POSTGRES,
        lease=lease,
        loose=Rows(_TAKES, [terms[:2] for terms in of_kind[_OLDEST_DUE]]),
        gaping=Rows(_BOUNDED, of_kind[_BESIDE_GAP]),
        ordered=Rows(_BOUNDED, of_kind[_HEAD]),
        now=now,
        late=now - LATE,
    )


async def _lease_sqlite(
    db: Database, takes: Takes, lease: str, now: datetime
) -> Sequence[Row]:
    """SQLite has no LATERAL; it has no network between us either."""
    picked: list[Row] = []
    for turn, take in takes:
        sql = _PICK_SQLITE.format(pick=_of(":", _pick(turn)))
        terms = dict(zip(_BOUNDED, _terms(turn, take), strict=True))
        picked += await db.fetch(sql, **terms, now=now, late=now - LATE)
    await db.fetch(
        "UPDATE delivery SET lease = :lease WHERE seq = ANY(:seqs)",
        lease=lease,
        seqs=[row["seq"] for row in picked],
    )
    return picked


def _pick(turn: Turn) -> str:
    if turn.ordered:
        return _HEAD
    return _BESIDE_GAP if turn.gap_to else _OLDEST_DUE


def _terms(turn: Turn, take: int) -> tuple[object, ...]:
    """As in `_BOUNDED`."""
    return turn.webhook, take, turn.discards_to or 0, turn.gap_from, turn.gap_to
