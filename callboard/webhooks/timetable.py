"""When a webhook's next scheduled run is, as its settings ask for."""

from datetime import datetime

from callboard.database import Database
from callboard.schedule import Schedule


async def follow(
    db: Database,
    id: str,
    before: Schedule | None,
    wanted: Schedule | None,
    now: datetime,
) -> None:
    """A plan goes on unless its gap changes; a new one begins with a whole gap.

    The sweep makes the waiting deliveries follow.
    """
    if (before and before.gap) == (wanted and wanted.gap):
        return
    await db.fetch(
        """
        INSERT INTO schedule (webhook, next_run, planned_at) VALUES (:id, :next, :now)
        ON CONFLICT (webhook) DO UPDATE SET next_run = :next, planned_at = :now
        """,
        id=id,
        next=now + wanted.gap if wanted else None,
        now=now,
    )
