"""How things stand with webhooks: what waits for them, and what was last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.database import reading
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_MEASURED = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """`held`: what waits for a webhook that is not active, or still is on its way."""

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
    stopped = [w.id for w in webhooks if w.state != WebhookState.ACTIVE]
    async with reading() as db:
        held = await db.fetch(
            """
            SELECT webhook, count(*) AS held FROM delivery
            WHERE webhook = ANY(:ids) AND (state = 'held'
               OR state = 'pending' AND webhook = ANY(:stopped))
            GROUP BY webhook
            """,
            ids=ids,
            stopped=stopped,
        )
        # The inner look-ups each read one entry of the index on (webhook, seq).
        last = await db.fetch(
            """
            SELECT webhook, state, coalesce(finished_at, created_at) AS at
            FROM delivery WHERE seq IN (
                SELECT (SELECT max(d.seq) FROM delivery d WHERE d.webhook = w.id)
                FROM webhook w WHERE w.id = ANY(:ids))
            """,
            ids=ids,
        )
    counts = {row["webhook"]: row["held"] for row in held}
    lasts = {row["webhook"]: (_time(row["at"]), row["state"]) for row in last}
    return {id: Standing(counts.get(id, 0), *lasts.get(id, (None, None))) for id in ids}


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
    return Holding(_time(oldest), _time(expires) if expires else None, size)


def _time(value: datetime | str) -> datetime:
    """SQLite tells no type for an expression."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
