"""A webhook's turn, the row its deliveries are claimed by, follows its settings."""

from datetime import datetime

from callboard.database import Database
from callboard.webhooks.tables import Webhook


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
    db: Database, id: str, what: str | None, is_open: bool, now: datetime
) -> None:
    """What a change of state does to the waiting deliveries, in steps by the sweep."""
    await db.fetch(
        """
        UPDATE turn SET open = :open, next_due = :now, empty_looks = 0,
            follow = CASE WHEN follow IN ('discard', 'salvage')
                AND :follow IN ('hold', 'salvage') THEN follow ELSE :follow END,
            discards_before = CASE WHEN :follow = 'discard' THEN :now
                ELSE discards_before END
        WHERE webhook = :id
        """,
        open=is_open and what != "discard",
        now=now,
        follow=what,
        id=id,
    )


async def followed_by(db: Database, id: str) -> str | None:
    """What the waiting deliveries are still to follow."""
    rows = await db.fetch("SELECT follow FROM turn WHERE webhook = :id", id=id)
    found: str | None = rows[0]["follow"]
    return found
