"""How things stand with webhooks: what waits for them, and what was last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.database import Database, as_time, reading
from callboard.ids import AFTER_ALL
from callboard.webhooks.lifecycle import MOST_COUNTED
from callboard.webhooks.tables import Webhook

_MEASURED = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """`held`: what waits for a webhook that is not active, or still is on its way;
    MOST_COUNTED and one stand for more."""

    held: int = 0
    last_at: datetime | None = None
    last_state: str | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a webhook keeps. `first_expires_at` is None until it has been put on hold;
    `about_bytes` is reckoned from the oldest thousand."""

    oldest_at: datetime
    first_expires_at: datetime | None
    about_bytes: int


async def of_webhooks(webhooks: Sequence[Webhook]) -> dict[str, Standing]:
    """By id, in two statements however many there are."""
    ids = [webhook.id for webhook in webhooks]
    async with reading() as db:
        held, last = await _held(db, ids), await _last(db, ids)
    return {id: Standing(held.get(id, 0), *last.get(id, (None, None))) for id in ids}


async def of_held(webhook: str, held: int) -> Holding | None:
    """`held`: how many there are, as `Standing` tells."""
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT min(d.created_at) AS oldest, min(d.held_until) AS expires,
                   avg(length(e.data)) AS size
            FROM (SELECT event, created_at, held_until FROM delivery
                  WHERE webhook = :webhook AND state IN ('pending', 'held')
                  ORDER BY seq LIMIT :most) AS d
            JOIN event e ON e.id = d.event
            """,
            webhook=webhook,
            most=_MEASURED,
        )
    oldest, expires = rows[0]["oldest"], rows[0]["expires"]
    if not held or oldest is None:
        return None
    size = round(float(rows[0]["size"]) * held)
    return Holding(as_time(oldest), as_time(expires) if expires else None, size)


async def _held(db: Database, webhooks: list[str]) -> dict[str, int]:
    """All that waits for one that is not active; else what lies in the gap, or is held
    where there is none. Not ordered: for a webhook with few the planner would be
    tempted to read the whole table in that order, however much waits for others."""
    rows = await db.fetch(
        """
        SELECT w.id, (SELECT count(*) FROM (
            SELECT * FROM (SELECT d.seq FROM delivery d
                WHERE d.webhook = w.id AND d.state IN ('pending', 'held')
                AND d.seq >= CASE WHEN w.state = 'active' THEN t.gap_from ELSE 0 END
                AND d.seq < CASE WHEN w.state = 'active' THEN t.gap_to ELSE :end END
                LIMIT :most) AS waiting
            UNION ALL
            SELECT * FROM (SELECT d.seq FROM delivery d
                WHERE d.webhook = w.id AND d.state = 'held'
                AND w.state = 'active' AND t.gap_to = 0
                LIMIT :most) AS held) AS found) AS held
        FROM webhook w JOIN turn t ON t.webhook = w.id WHERE w.id = ANY(:webhooks)
        """,
        webhooks=webhooks,
        most=MOST_COUNTED + 1,
        end=AFTER_ALL,
    )
    return {row["id"]: row["held"] for row in rows}


async def _last(db: Database, webhooks: list[str]) -> dict[str, tuple[datetime, str]]:
    """The inner look-ups each read one entry of the index on (webhook, seq)."""
    rows = await db.fetch(
        """
        SELECT webhook, state, coalesce(finished_at, created_at) AS at
        FROM delivery WHERE seq IN (
            SELECT (SELECT max(d.seq) FROM delivery d WHERE d.webhook = w.id)
            FROM webhook w WHERE w.id = ANY(:webhooks))
        """,
        webhooks=webhooks,
    )
    return {row["webhook"]: (as_time(row["at"]), row["state"]) for row in rows}
