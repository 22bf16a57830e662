"""Takes replays further, a step of each that is due."""

from datetime import datetime

from callboard.database import reading, writing
from callboard.replays import pace, steps

_MOST_AT_ONCE = 50


async def advance(now: datetime, room: int) -> datetime | None:
    """When the next step will be due, if any. `room`: how many deliveries may wait for
    this worker that nobody else waits for."""
    async with reading() as db:
        rows = await db.fetch(
            "SELECT id, next_at FROM replay WHERE next_at IS NOT NULL"
            " ORDER BY next_at LIMIT :most",
            most=_MOST_AT_ONCE,
        )
    nexts = [row["next_at"] for row in rows if row["next_at"] > now]
    due = [row["id"] for row in rows if row["next_at"] <= now]
    share = pace.share(room, len(rows))
    for id in due:
        async with writing() as db:
            next_at = await steps.step(db, id, share, now)
        if next_at is not None:
            nexts.append(next_at)
    return min(nexts, default=None)


async def next_due() -> datetime | None:
    async with reading() as db:
        rows = await db.fetch(
            "SELECT next_at FROM replay WHERE next_at IS NOT NULL"
            " ORDER BY next_at LIMIT 1"
        )
    return rows[0]["next_at"] if rows else None
