"""New deliveries."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import astuple

from callboard.database import Database, Rows
from callboard.delivery.ledger.values import NewDelivery

_COLUMNS = {
    "event": "text",
    "account": "text",
    "webhook": "text",
    "state": "text",
    "due": "timestamptz",
    "held_until": "timestamptz",
    "created_at": "timestamptz",
    "finished_at": "timestamptz",
    "reason": "text",
    "repeats": "bigint",
    "extra": "bool",
    "trigger": "text",
    "record": "text",
}


async def enter(
    db: Database, deliveries: Sequence[NewDelivery], now: datetime, bulk: bool = False
) -> None:
    """New rows, and a nudge for webhooks that were asleep and now have to call.
    `bulk`: nobody waits for them at this moment."""
    await db.insert("delivery", Rows(_COLUMNS, [astuple(each) for each in deliveries]))
    webhooks = sorted({d.webhook for d in deliveries if d.due is not None})
    await nudge(db, webhooks, now, bulk)


async def nudge(
    db: Database, webhooks: list[str], now: datetime, bulk: bool = False
) -> None:
    """Only those that sleep: the row of a busy webhook stays unlocked. A claim has to
    know of bulk before it takes any."""
    await db.fetch(
        """
        UPDATE turn SET next_due = :now, empty_looks = 0, bulk = :bulk
        WHERE webhook IN (
            SELECT webhook FROM turn
            WHERE webhook = ANY(:webhooks) AND (next_due IS NULL OR next_due > :now)
            ORDER BY webhook FOR UPDATE
        )
        """,
        webhooks=webhooks,
        now=now,
        bulk=bulk,
    )
