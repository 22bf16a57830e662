"""Runs that ought to be, and what waits for them."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from callboard import schedule
from callboard.database import Database, Row
from callboard.numerals import MOST_COUNTED
from callboard.schedule import Schedule

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that ought to be; `next_run`: for when it was planned."""

    webhook: str
    next_run: datetime
    planned_at: datetime
    schedule: Schedule


async def wanted(db: Database, now: datetime) -> list[Wanted]:
    """Of active webhooks, the longest overdue first. While deliveries are still being
    put back from hold none begins, or it would miss the oldest."""
    rows = await db.fetch(
        f"""
        {_WANTED} AND s.going IS NULL AND t.open AND t.follow IS NULL
          AND (s.next_run <= :now OR s.planned_at > :set_back)
        ORDER BY s.next_run LIMIT :most
        """,
        now=now,
        set_back=now + schedule.SKEW,
        most=_AT_ONCE,
    )
    return [_wanted(row) for row in rows]


async def of_webhook(db: Database, webhook: str) -> Wanted | None:
    """None where it has no schedule."""
    rows = await db.fetch(f"{_WANTED} AND s.webhook = :webhook", webhook=webhook)
    return _wanted(rows[0]) if rows else None


async def count_waiting(db: Database, webhook: str) -> int:
    """As far as anybody wants to count. Those in a call of a run that is under way wait
    for that."""
    rows = await db.fetch(
        """
        SELECT count(*) AS waiting FROM (
            SELECT 1 FROM delivery d WHERE webhook = :webhook AND state = 'pending'
            AND due IS NULL AND lease IS NULL AND NOT EXISTS (
                SELECT 1 FROM delivery lead
                WHERE lead.bucket = d.bucket AND lead.due IS NOT NULL)
            LIMIT :most) AS counted
        """,
        webhook=webhook,
        most=MOST_COUNTED,
    )
    return int(rows[0]["waiting"])


_WANTED = """
    SELECT s.webhook, s.next_run, s.planned_at, w.delivery FROM schedule s
    JOIN webhook w ON w.id = s.webhook JOIN turn t ON t.webhook = s.webhook
    WHERE s.next_run IS NOT NULL
"""


def _wanted(row: Row) -> Wanted:
    found = msgspec.json.decode(row["delivery"], type=Schedule)
    return Wanted(row["webhook"], row["next_run"], row["planned_at"], found)
