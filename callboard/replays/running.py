"""Takes replays further, step by step: what arq runs, and each worker by itself."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from callboard.database import reading, writing
from callboard.errors import Unavailable
from callboard.replays import pace, steps

_BY_ITSELF = 1.0
# arq cuts a job off after 30 s; a worker that dies keeps its job blocked for 10 more.
_SHIFT = 15.0
_MOST_AT_ONCE = 50

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayer:
    """`places`: calls that this worker may have in flight. `ring` wakes its pump,
    `call` asks arq for a shift."""

    clock: Callable[[], datetime]
    ring: Callable[[], None]
    call: Callable[[], None]
    places: int

    async def run(self) -> None:
        """Until cancelled: one step each second, and a call for whoever goes faster."""
        while True:
            if await self._advance() is not None:
                self.call()
            await asyncio.sleep(_BY_ITSELF)

    async def work(self) -> None:
        """A shift: while there is something to do, and not for long."""
        end = monotonic() + _SHIFT
        while monotonic() < end:
            soonest = await self._advance()
            if soonest is None or soonest > self.clock() + steps.SOON:
                return
            await asyncio.sleep(pace.LOOKS_EVERY)

    async def _advance(self) -> datetime | None:
        """An outage of the database ends nothing."""
        try:
            soonest = await advance(self.clock(), self.places)
        except Unavailable:
            log.warning("replays.database_away")
            return None
        if soonest is not None:
            self.ring()
        return soonest


async def advance(now: datetime, places: int) -> datetime | None:
    """One step of each replay that is due; when the next one will be, if any."""
    async with reading() as db:
        rows = await db.fetch(
            "SELECT id, next_at FROM replay WHERE next_at IS NOT NULL"
            " ORDER BY next_at LIMIT :most",
            most=_MOST_AT_ONCE,
        )
    nexts = [row["next_at"] for row in rows if row["next_at"] > now]
    due = [row["id"] for row in rows if row["next_at"] <= now]
    for id in due:
        async with writing() as db:
            next_at = await steps.step(db, id, len(rows), places, now)
        if next_at is not None:
            nexts.append(next_at)
    return min(nexts, default=None)
