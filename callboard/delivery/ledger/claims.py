"""Claims of what is due, fairly over accounts and webhooks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from callboard.database import Database, Row, Rows
from callboard.delivery import turns
from callboard.delivery.ledger.facts import facts_of, weighed
from callboard.delivery.ledger.leases import Takes, lease_due
from callboard.delivery.ledger.values import Claimed, mostly_bulk
from callboard.delivery.states import Lane
from callboard.delivery.turns import Turn
from callboard.payload.values import Facts

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
    bulk: int | None = None,
) -> list[Claimed]:
    """Leases up to `free` due deliveries, in turn over accounts, then webhooks; bulk
    comes last among them.

    `held`: how many the caller has already of webhooks that it may lease ahead for.
    `bulk`: how many it takes of webhooks that have bulk; None for any number.
    """
    most = min(free, _WIDEST_CLAIM)
    bulk = free if bulk is None else min(bulk, free)
    busy = [webhook for webhook, count in held.items() if count]
    # Two for each webhook with bulk: where but one is left, that is seen to be the end.
    backlogs = min((bulk + 1) // 2, most)
    waiting = await _lock_turns(db, lane, most, backlogs, busy, now)
    if not waiting:
        return []
    takes = _takes(waiting, free, bulk, held, now)
    picked = await lease_due(db, takes, lease, now)
    claimed = _claimed(picked, await facts_of(db, picked), takes, lease)
    await _advance(db, takes, claimed, now)
    return await weighed(db, claimed)


# Whoever was served longest ago is first in each part, an account's webhooks in turn.
# Locks are taken in any order: nobody waits here.
_LOCK = """
    WITH due AS (
        SELECT * FROM (
            SELECT webhook, served, bulk, row_number()
                OVER (PARTITION BY account, bulk ORDER BY served) AS place
            FROM turn
            WHERE open AND lane = :lane AND next_due <= :now
              AND (leased < slots OR webhook = ANY(:busy))
        ) AS placed WHERE place <= :most
    )
    SELECT webhook, version, ordered, lane, cap, slots, leased, empty_looks,
           rate, tokens, tokens_at, bulk, discards_to, gap_from, gap_to
    FROM turn
    WHERE open AND lane = :lane AND next_due <= :now
      AND (leased < slots OR webhook = ANY(:busy))
      AND webhook IN (
        SELECT webhook FROM (SELECT webhook FROM due WHERE NOT bulk
            ORDER BY place, served LIMIT :most) AS live
        UNION ALL
        SELECT webhook FROM (SELECT webhook FROM due WHERE bulk
            ORDER BY place, served LIMIT :backlogs) AS others)
    ORDER BY served, webhook FOR UPDATE SKIP LOCKED
"""


async def _lock_turns(
    db: Database, lane: Lane, most: int, backlogs: int, busy: list[str], now: datetime
) -> list[Turn]:
    rows = await db.fetch(
        _LOCK, lane=lane, now=now, most=most, backlogs=backlogs, busy=busy
    )
    return [Turn(**row) for row in rows]


def _takes(
    waiting: Sequence[Turn],
    free: int,
    bulk: int,
    held: Mapping[str, int],
    now: datetime,
) -> Takes:
    """Whoever wants some and finds nothing left keeps its place for the next claim."""
    wants = [turns.allowance(turn, now, held.get(turn.webhook)) for turn in waiting]
    takes = turns.share(free, turns.bound(waiting, wants, bulk))
    found = zip(waiting, wants, takes, strict=True)
    return [(turn, take) for turn, want, take in found if take or not want]


def _claimed(
    picked: Sequence[Row],
    events: Mapping[str, tuple[Facts, int]],
    takes: Takes,
    lease: str,
) -> list[Claimed]:
    taken = Counter(row["webhook"] for row in picked)
    terms: dict[str, tuple[Any, ...]] = {}
    for turn, take in takes:
        queued = turns.leaves_more(turn, take, taken[turn.webhook])
        terms[turn.webhook] = lease, turn.version, turn.slots, queued
    claimed = []
    for row in picked:
        *columns, event = row.values()
        values = *columns, *events[event], *terms[row["webhook"]]
        claimed.append(Claimed(*values))
    return sorted(claimed, key=attrgetter("bulk", "seq"))


_ADVANCED = {
    "webhook": "text",
    "taken": "int",
    "more": "bool",
    "looks": "int",
    "tokens": "float8",
    "again": "timestamptz",
    "not_before": "timestamptz",
    "bulk": "bool",
}
_ADVANCE = """
    UPDATE turn SET
        leased = turn.leased + moved.taken, served = :served, bulk = moved.bulk,
        tokens = moved.tokens, tokens_at = :now,
        empty_looks = moved.looks,
        next_due = CASE WHEN moved.waits_from < moved.not_before
            THEN moved.not_before
            WHEN moved.again < moved.waits_from THEN moved.again
            ELSE coalesce(moved.waits_from, moved.again) END
    FROM (
        SELECT moved.*, CASE
            -- Whoever closes the gap says when to look.
            WHEN t.gap_to > 0 AND (t.ordered OR NOT moved.more) THEN NULL
            WHEN t.ordered
            THEN (SELECT due FROM delivery d WHERE d.webhook = moved.webhook
                  AND d.state IN ('pending', 'held') AND moved.taken = 0
                  ORDER BY d.seq LIMIT 1)
            WHEN moved.more THEN :now
            ELSE (SELECT due FROM delivery d WHERE d.webhook = moved.webhook
                  AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL
                  ORDER BY due LIMIT 1)
            END AS waits_from
        FROM {moved} JOIN turn t ON t.webhook = moved.webhook
    ) AS moved
    WHERE turn.webhook = moved.webhook
"""


async def _advance(
    db: Database, takes: Takes, claimed: Sequence[Claimed], now: datetime
) -> None:
    """The turns move on: what they have in flight, and when they want a look again."""
    taken, bulk = Counter(each.webhook for each in claimed), mostly_bulk(claimed)
    rows = [
        _advanced(turn, take, taken[turn.webhook], bulk, now, unseen=not db.is_sqlite)
        for turn, take in takes
    ]
    await db.fetch(
        _ADVANCE,
        moved=Rows(_ADVANCED, rows),
        served=int(now.timestamp() * 1_000_000),
        now=now,
    )


def _advanced(
    turn: Turn,
    take: int,
    taken: int,
    bulk: Mapping[str, bool],
    now: datetime,
    *,
    unseen: bool,
) -> tuple[object, ...]:
    """`unseen`: others may commit meanwhile what this claim does not see."""
    looks = 0 if taken else turn.empty_looks
    left = turns.tokens(turn, now) - taken if turn.rate is not None else 0.0
    return (
        turn.webhook,
        taken,
        turns.may_leave_more(take, taken),
        looks + 1,
        left,
        turns.look_again(looks, now) if unseen else None,
        turns.next_token(turn, left, now),
        bulk.get(turn.webhook, turn.bulk),
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
