"""A webhook's turn, the row its deliveries are claimed by, follows its settings."""

from datetime import datetime

from callboard.database import Database
from callboard.webhooks.tables import Webhook

# Of the webhook with turn `t`: a delivery `d` that failed for good since its receiver
# last answered well, and is still to be held.
LOST = """
    d.seq >= t.salvages_from AND d.state = 'failed'
    AND (t.salvages_after IS NULL OR d.finished_at > t.salvages_after)
"""
_FOLLOW = """
    UPDATE turn SET next_due = :now, empty_looks = 0,
        follow = :follow, open = :active AND salvages_from IS NULL,
        discards_to = CASE WHEN :discards THEN newer.than ELSE discards_to END,
        gap_from = 0, gap_to = CASE WHEN :active AND (follow = 'hold'
            OR :discards OR discards_to IS NOT NULL) THEN newer.than ELSE 0 END
    FROM (SELECT coalesce(max(seq), 0) + 1 AS than FROM delivery
        WHERE webhook = :id) AS newer
    WHERE webhook = :id
"""


async def insert(db: Database, row: Webhook, now: datetime) -> None:
    await db.fetch(
        """
        INSERT INTO turn (webhook, account, version, open, lane, ordered, cap, slots,
            leased, next_due, empty_looks, served, rate, tokens, tokens_at, follow)
        VALUES (:id, :account, 1, false, 'untried', :ordered, :cap, 1,
            0, NULL, 0, 0, :rate, 1, :now, NULL)
        """,
        id=row.id,
        account=row.account,
        ordered=row.ordered,
        cap=1 if row.ordered else row.concurrency,
        rate=row.rate_per_second,
        now=now,
    )


async def touch(db: Database, id: str) -> None:
    """The webhook and its turn move on together; senders see it at their next claim."""
    await db.fetch("UPDATE webhook SET version = version + 1 WHERE id = :id", id=id)
    await db.fetch(
        """
        UPDATE turn SET version = w.version, ordered = w.ordered,
            rate = w.rate_per_second,
            cap = CASE WHEN w.ordered THEN 1 ELSE w.concurrency END,
            slots = CASE WHEN w.ordered THEN 1
                WHEN turn.slots > w.concurrency THEN w.concurrency ELSE turn.slots END
        FROM webhook w WHERE w.id = turn.webhook AND turn.webhook = :id
        """,
        id=id,
    )


async def forget_speed(db: Database, id: str) -> None:
    """Nobody knows yet how quick the new receiver is."""
    await db.fetch(
        "UPDATE turn SET lane = 'untried', slots = 1 WHERE webhook = :id", id=id
    )


async def follow(
    db: Database,
    id: str,
    what: str | None,
    is_active: bool,
    now: datetime,
    discards: bool = False,
) -> None:
    """What a change of state does to the waiting deliveries, in steps by the sweep.

    An activated one has calls at once, but for two things. What failed is held first,
    or what waited would overtake it. And where what waited is not all on hold yet, or
    is to be discarded, it lies in the gap until it is let go.
    """
    await db.fetch(
        _FOLLOW,
        follow=what,
        now=now,
        discards=discards,
        active=is_active,
        id=id,
    )
