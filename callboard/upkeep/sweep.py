"""What every worker does once a second by itself, without Redis.

Doing it twice is harmless; forgetting it is impossible.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from time import monotonic

from callboard import scheduled, spells
from callboard.database import Clock, reading, writing
from callboard.delivery import acts, following
from callboard.delivery.workers import Watch
from callboard.errors import Unavailable
from callboard.upkeep import expiring, retention

BEAT = 1.0
_STEP_SECONDS = 0.1  # what was held goes out again bit by bit
_RARELY = 5  # beats between two looks for what seldom is there
_HOURLY = 3600

log = logging.getLogger(__name__)


async def run(
    watch: Watch,
    clock: Clock,
    ring: Callable[[], None],
    keep: timedelta,
    beat: float = BEAT,
) -> None:
    """Until cancelled. An outage of the database ends nothing. `keep`: of events."""
    for number in itertools.count():
        begun = monotonic()
        try:
            await _bury(await watch.beat(clock()), watch, clock, ring)
            await spells.deactivate_waiting(clock)
            moving = await _follow(clock, ring)
            await scheduled.look(clock, ring)
            if number % _RARELY == 0:
                await _bury(await watch.unknown(), watch, clock, ring)
                await _mend(clock)
                await _forget(keep, clock)
            if number % _HOURLY == 0:
                await expiring.tell(clock)
            while moving and monotonic() < begun + beat:
                await asyncio.sleep(_STEP_SECONDS)
                moving = await _follow(clock, ring)
        except Unavailable:
            log.warning("sweep.database_away")
        await asyncio.sleep(max(begun + beat - monotonic(), 0))


async def _bury(
    workers: Iterable[str], watch: Watch, clock: Clock, ring: Callable[[], None]
) -> None:
    for dead in workers:
        freed = await watch.bury(dead, clock())
        log.warning("worker.buried", extra={"worker": dead, "freed": freed})
        ring()


async def _follow(clock: Clock, ring: Callable[[], None]) -> bool:
    """In short transactions, so that live traffic gets in between; True if there was
    anything to do."""
    async with reading() as db:
        webhooks = await following.webhooks(db)
    for webhook in webhooks:
        more = True
        while more:
            async with writing() as db:
                more = await following.follow(db, webhook, clock())
            ring()
    return bool(webhooks)


async def _forget(keep: timedelta, clock: Clock) -> None:
    """For half a second at most: after an outage there may be much of it."""
    begun, gone = monotonic(), 0
    while monotonic() - begun < BEAT / 2:
        step = await retention.forget(keep, clock())
        gone += step
        if step < retention.STEP:
            break
    if gone:
        log.info("events.forgotten", extra={"events": gone})


async def _mend(clock: Clock) -> None:
    async with writing() as db:
        await acts.rouse(db, clock())
        await following.gather(db, clock())
    async with writing() as db:
        await acts.expire(db, clock())
    await scheduled.mend(clock())
    await spells.remind(clock())
