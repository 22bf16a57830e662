"""Takes replays further, in every worker."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from callboard.database import AWAY, reading, writing
from callboard.errors import Unavailable
from callboard.replays import pace, steps

_BY_ITSELF = 1.0
_MOST_AT_ONCE = 50

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayer:
    """`ring` wakes this worker's pump; `room`: how many deliveries may wait for it that
    nobody else waits for."""

    clock: Callable[[], datetime]
    ring: Callable[[], None]
    room: Callable[[], int]
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """There may be something to do."""
        self._stirred.set()

    async def run(self) -> None:
        """Until cancelled; by itself it looks each second."""
        while True:
            self._stirred.clear()
            pause = pace.LOOKS_EVERY if await self._advance() else _BY_ITSELF
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()

    async def _advance(self) -> bool:
        """True while there is more to do soon. An outage of the database ends
        nothing."""
        try:
            soonest = await advance(self.clock(), self.room())
        except (Unavailable, *AWAY):
            log.warning("replays.database_away")
            return False
        if soonest is None:
            return False
        self.ring()
        return soonest <= self.clock() + steps.SOON


async def advance(now: datetime, room: int) -> datetime | None:
    """One step of each replay that is due; when the next one will be, if any."""
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
