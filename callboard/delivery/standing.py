"""How things stand with webhooks: what waits for them, and what was last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.database import Database, as_time, reading
from callboard.ids import AFTER_ALL
from callboard.numerals import MOST_COUNTED
from callboard.webhooks import turn
from callboard.webhooks.tables import Webhook

_MEASURED = 1000
_QUICKLY_COUNTED = 10_000
_OLDEST_HELD = """
    SELECT min(d.created_at) AS oldest, avg(length(e.data)) AS size,
           (SELECT held_until FROM delivery
            WHERE webhook = :webhook AND state = 'held'
            ORDER BY held_until LIMIT 1) AS expires,
           (SELECT discards_to FROM turn
            WHERE webhook = :webhook) AS discards_to
    FROM (SELECT event, created_at FROM delivery
          WHERE webhook = :webhook AND state IN ('pending', 'held')
          ORDER BY seq LIMIT :most) AS d
    JOIN event e ON e.id = d.event
"""
# Not ordered: for a webhook with few the planner would be tempted to read the whole
# table in that order, however much waits for others.
_HELD_BY = f"""
    SELECT w.id, (SELECT count(*) FROM (
        SELECT * FROM (SELECT 1 FROM delivery d
            WHERE d.webhook = w.id AND d.state IN ('pending', 'held')
            AND d.seq >= CASE WHEN w.state = 'active' THEN t.gap_from ELSE 0 END
            AND d.seq < CASE WHEN w.state = 'active' THEN t.gap_to ELSE :end END
            LIMIT :most) AS waiting
        UNION ALL
        SELECT * FROM (SELECT 1 FROM delivery d
            WHERE d.webhook = w.id AND d.state = 'held'
            AND w.state = 'active' AND t.gap_to = 0
            LIMIT :most) AS held
        UNION ALL
        SELECT * FROM (SELECT 1 FROM delivery d
            WHERE d.webhook = w.id AND {turn.LOST}
            AND w.state != 'active' AND w.hold_days > 0
            LIMIT :most) AS lost LIMIT :most) AS found) AS held
    FROM webhook w JOIN turn t ON t.webhook = w.id WHERE w.id = ANY(:webhooks)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """`held`: what waits for a webhook that is not active, or still is on its way;
    None where they are too many to count them all."""

    held: int | None = 0
    last_at: datetime | None = None
    last_state: str | None = None
    last_tries: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """What a webhook keeps. `first_expires_at` is None until it has been put on hold;
    `about_bytes` is reckoned from the oldest thousand, and None where nobody knows how
    many there are; `discarding`: it is cancelled, step by step, instead of being
    sent."""

    oldest_at: datetime
    first_expires_at: datetime | None
    about_bytes: int | None
    discarding: bool


async def of_webhooks(webhooks: Sequence[Webhook]) -> dict[str, Standing]:
    """By id, in two statements however many there are."""
    return await _of_webhooks(webhooks, MOST_COUNTED)


async def at_once(webhook: Webhook) -> Standing:
    """For answers that come at once whatever waits."""
    return (await _of_webhooks([webhook], _QUICKLY_COUNTED))[webhook.id]


async def of_held(webhook: str, held: int | None) -> Holding | None:
    """`held`: how many there are, as `Standing` tells."""
    if held == 0:
        return None
    async with reading() as db:
        rows = await db.fetch(_OLDEST_HELD, webhook=webhook, most=_MEASURED)
    oldest, expires = rows[0]["oldest"], rows[0]["expires"]
    if oldest is None:
        return None
    size = None if held is None else round(float(rows[0]["size"]) * held)
    discarding = rows[0]["discards_to"] is not None
    ends = as_time(expires) if expires else None
    return Holding(as_time(oldest), ends, size, discarding)


async def held_by(db: Database, webhooks: list[str], most: int) -> dict[str, int]:
    """How many are held, counted up to `most` each.

    Of a webhook that is not active that is all that waits, and what failed and has
    still to be held; of an active one what lies in the gap, or what is held where
    there is no gap.
    """
    rows = await db.fetch(_HELD_BY, webhooks=webhooks, most=most, end=AFTER_ALL)
    return {row["id"]: row["held"] for row in rows}


async def _of_webhooks(webhooks: Sequence[Webhook], most: int) -> dict[str, Standing]:
    ids = [webhook.id for webhook in webhooks]
    async with reading() as db:
        held, last = await held_by(db, ids, most + 1), await _last(db, ids)
    known = {id: many if many <= most else None for id, many in held.items()}
    return {
        id: Standing(known.get(id, 0), *last.get(id, (None, None, 0))) for id in ids
    }


async def _last(
    db: Database, webhooks: list[str]
) -> dict[str, tuple[datetime, str, int]]:
    """The inner look-ups each read one entry of the index on (webhook, seq)."""
    rows = await db.fetch(
        """
        SELECT webhook, state, attempts, coalesce(finished_at, created_at) AS at
        FROM delivery WHERE seq IN (
            SELECT (SELECT max(d.seq) FROM delivery d WHERE d.webhook = w.id)
            FROM webhook w WHERE w.id = ANY(:webhooks))
        """,
        webhooks=webhooks,
    )
    return {
        row["webhook"]: (as_time(row["at"]), row["state"], row["attempts"])
        for row in rows
    }
