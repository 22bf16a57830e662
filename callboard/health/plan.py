"""How many tries a delivery has, and when they will be used up."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from callboard import schedule
from callboard.database import Database
from callboard.schedule import Schedule
from callboard.webhooks.tables import Webhook

_OLDEST = 1000
_TRIED = """
    SELECT d.due, d.planned, d.tries, s.next_run FROM (
        SELECT * FROM delivery WHERE webhook = :webhook
        AND state IN ('pending', 'held') ORDER BY seq LIMIT :oldest) AS d
    JOIN turn t ON t.webhook = d.webhook
    LEFT JOIN schedule s ON s.webhook = d.webhook
    WHERE d.state = 'pending' AND d.tries > 0
      AND (t.succeeded_at IS NULL OR d.created_at > t.succeeded_at
        OR NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.seq
            AND a.started_at <= t.succeeded_at))
    ORDER BY d.seq LIMIT :most
"""


def tries(gaps: str, delivery: str) -> int:
    """By the columns `schedule` and `delivery` of a webhook."""
    return schedule.TRIES if _runs(delivery) else len(_gaps(gaps)) + 1


async def ends(db: Database, row: Webhook, most: int) -> list[datetime]:
    """When the plans of the deliveries that count towards a deactivation will be at
    their end, soonest first: at least the `most` that end first, if there are so many.
    They are looked for among the thousand deliveries that have waited longest."""
    rows = await db.fetch(_TRIED, webhook=row.id, oldest=_OLDEST, most=most + 50)
    left = _left(row)
    found = [
        (each["planned"] or each["due"] or each["next_run"], left[each["tries"] :])
        for each in rows
    ]
    return sorted(
        at + timedelta(seconds=sum(waits)) for at, waits in found if at is not None
    )


def _left(row: Webhook) -> Sequence[float]:
    """Seconds from each try to the one after it."""
    runs = _runs(row.delivery)
    if runs is None:
        return _gaps(row.schedule)
    return [runs.gap.total_seconds()] * (schedule.TRIES - 1)


def _gaps(text: str) -> list[int]:
    return msgspec.json.decode(text, type=list[int])


def _runs(text: str) -> Schedule | None:
    found: Schedule | None = msgspec.json.decode(text, type=Schedule | None)
    return found
