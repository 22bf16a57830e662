"""Leases on what is due, fairly over accounts and webhooks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType

from callboard.database import Database, Row, Rows
from callboard.delivery import turns
from callboard.delivery.ledger.values import Claimed
from callboard.delivery.states import Lane
from callboard.delivery.turns import Turn

# A claim looks at no more webhooks at once.
_WIDEST_CLAIM = 256
_NOTHING: Mapping[str, int] = MappingProxyType({})


async def claim(
    db: Database,
    lane: Lane,
    free: int,
    lease: str,
    now: datetime,
    held: Mapping[str, int] = _NOTHING,
) -> list[Claimed]:
    """Leases up to `free` due deliveries, in turn over accounts, then webhooks.

    `held`: how many the caller has already of webhooks that it may lease ahead for.
    """
    most = min(free, _WIDEST_CLAIM)
    busy = [webhook for webhook, count in held.items() if count]
    waiting = await _lock_turns(db, lane, most, busy, now)
    if not waiting:
        return []
    wants = [turns.allowance(turn, now, held.get(turn.webhook)) for turn in waiting]
    takes = turns.share(free, wants)
    lease_due = _lease_sqlite if db.is_sqlite else _lease_postgres
    picked = await lease_due(db, waiting, takes, lease, now)
    claimed = _leased(picked, waiting, lease)
    await _advance(db, waiting, takes, claimed, now)
    return claimed


def _leased(
    picked: Sequence[Row], waiting: Sequence[Turn], lease: str
) -> list[Claimed]:
    turn = {turn.webhook: turn for turn in waiting}
    return [
        Claimed(
            lease=lease,
            version=turn[row["webhook"]].version,
            slots=turn[row["webhook"]].slots,
            **row,
        )
        for row in sorted(picked, key=itemgetter("seq"))
    ]


async def _lock_turns(
    db: Database, lane: Lane, limit: int, busy: list[str], now: datetime
) -> list[Turn]:
    rows = await db.fetch(
        """
        SELECT webhook, version, ordered, lane, cap, slots, leased, empty_looks,
               rate, tokens, tokens_at
        FROM turn
        WHERE open AND lane = :lane AND next_due <= :now
          AND (leased < slots OR webhook = ANY(:busy))
          AND webhook IN (
            SELECT webhook FROM (
                SELECT webhook, served,
                       row_number() OVER (PARTITION BY account ORDER BY served) AS place
                FROM turn
                WHERE open AND lane = :lane AND next_due <= :now
                  AND (leased < slots OR webhook = ANY(:busy))
            ) AS ranked
            ORDER BY place, served LIMIT :most
        )
        ORDER BY webhook FOR UPDATE SKIP LOCKED
        """,
        lane=lane,
        now=now,
        most=limit,
        busy=busy,
    )
    return [Turn(**row) for row in rows]


# The head of an ordered webhook is its oldest waiting delivery, held ones included: it
# goes next or nothing goes.
_HEAD = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
      AND d.seq = (SELECT min(seq) FROM delivery
                   WHERE webhook = {webhook} AND state = 'pending')
      AND NOT EXISTS (SELECT 1 FROM delivery h WHERE h.webhook = {webhook}
                      AND h.state = 'held' AND h.seq < d.seq)
"""
_OLDEST_DUE = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
    ORDER BY d.due, d.seq
"""
_SHOWN = """
    d.seq, d.account, d.webhook, d.trigger, d.tries, d.attempts, d.planned,
    d.event, e.type, e.data, e.context, e.occurred_at, d.bucket
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


async def _lease_postgres(
    db: Database,
    waiting: Sequence[Turn],
    takes: Sequence[int],
    lease: str,
    now: datetime,
) -> Sequence[Row]:
    pairs = [(turn, take) for turn, take in zip(waiting, takes, strict=True) if take]
    loose = [(turn.webhook, take) for turn, take in pairs if not turn.ordered]
    ordered = [(turn.webhook, take) for turn, take in pairs if turn.ordered]
    return await db.fetch(
        _LEASE_POSTGRES,
        lease=lease,
        loose=Rows(_TAKES, loose),
        ordered=Rows(_TAKES, ordered),
        now=now,
    )


async def _lease_sqlite(
    db: Database,
    waiting: Sequence[Turn],
    takes: Sequence[int],
    lease: str,
    now: datetime,
) -> Sequence[Row]:
    """SQLite has no LATERAL; it has no network between us either."""
    picked: list[Row] = []
    for turn, take in zip(waiting, takes, strict=True):
        if take:
            pick = _PICK_HEAD if turn.ordered else _PICK_OLDEST
            picked += await db.fetch(pick, webhook=turn.webhook, take=take, now=now)
    await db.fetch(
        "UPDATE delivery SET lease = :lease WHERE seq = ANY(:seqs)",
        lease=lease,
        seqs=[row["seq"] for row in picked],
    )
    return picked


async def _advance(
    db: Database,
    waiting: Sequence[Turn],
    takes: Sequence[int],
    claimed: Sequence[Claimed],
    now: datetime,
) -> None:
    """The turns move on: what they have in flight, and when they want a look again.

    Where a turn got all that it could take there may be more now, and nobody asks.
    """
    taken: dict[str, int] = {}
    for each in claimed:
        taken[each.webhook] = taken.get(each.webhook, 0) + 1
    rows = []
    for turn, take in zip(waiting, takes, strict=True):
        count = taken.get(turn.webhook, 0)
        full = 0 < take == count
        looks = 0 if count else turn.empty_looks
        left = turns.tokens(turn, now) - count if turn.rate is not None else 0.0
        again = None if db.is_sqlite else turns.look_again(looks, now)
        not_before = turns.next_token(turn, left, now)
        rows.append((turn.webhook, count, full, looks + 1, left, again, not_before))
    columns = {
        "webhook": "text",
        "taken": "int",
        "got_all": "bool",
        "looks": "int",
        "tokens": "float8",
        "again": "timestamptz",
        "not_before": "timestamptz",
    }
    await db.fetch(
        """
        UPDATE turn SET
            leased = turn.leased + moved.taken, served = :served,
            tokens = moved.tokens, tokens_at = :now,
            empty_looks = moved.looks,
            next_due = CASE WHEN moved.waits_from < moved.not_before
                THEN moved.not_before
                ELSE coalesce(moved.waits_from, moved.again) END
        FROM (
            SELECT moved.*, CASE WHEN t.ordered
                THEN (SELECT due FROM delivery d WHERE d.webhook = moved.webhook
                      AND d.state = 'pending' AND moved.taken = 0
                      ORDER BY d.seq LIMIT 1)
                WHEN moved.got_all THEN :now
                ELSE (SELECT min(due) FROM delivery d WHERE d.webhook = moved.webhook
                      AND d.state = 'pending' AND d.lease IS NULL)
                END AS waits_from
            FROM {moved} JOIN turn t ON t.webhook = moved.webhook
        ) AS moved
        WHERE turn.webhook = moved.webhook
        """,
        moved=Rows(columns, rows),
        served=int(now.timestamp() * 1_000_000),
        now=now,
    )


async def next_due(db: Database) -> datetime | None:
    """When a webhook that has a call free wants to be looked at next."""
    rows = await db.fetch(
        """
        SELECT next_due FROM turn WHERE open AND leased < slots
          AND next_due IS NOT NULL
        ORDER BY next_due LIMIT 1
        """
    )
    due: datetime | None = rows[0]["next_due"] if rows else None
    return due
