"""What every worker does once a second by itself, without Redis.

Doing it twice is harmless; forgetting it is impossible.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from callboard import spells
from callboard.database import AWAY, Clock, reading, writing
from callboard.delivery import acts, following, runs
from callboard.delivery.workers import Watch
from callboard.upkeep import expiring, retention

BEAT = 1.0
_STEP_SECONDS = 0.1  # what was held goes out again bit by bit
_RARELY = 5  # beats between two looks for what is seldom found
_HOURLY = 3600

log = logging.getLogger(__name__)


async def run(
    watch: Watch,
    clock: Clock,
    ring: Callable[[], None],
    keep: timedelta,
    overdue: Callable[[], Awaitable[None]],
    beat: float = BEAT,
) -> None:
    """Until cancelled. An outage of the database ends nothing. `keep`: of events.
    `overdue`: does what should have been done by a job."""
    followers, more_expires = _Followers(clock, ring), False
    for number in itertools.count():
        begun = monotonic()
        try:
            await _bury(await watch.beat(clock()), watch, clock, ring)
            await spells.deactivate_waiting(clock)
            moving = await followers.step(begun + beat / 2)
            await runs.look(clock, ring)
            await overdue()
            if more_expires or number % _RARELY == 0:
                more_expires = await _expire(clock, monotonic() + beat / 2)
            if number % _RARELY == 0:
                await _tidy(watch, clock, ring, keep)
            if number % _HOURLY == 0:
                await expiring.tell(clock)
            if moving:
                await followers.go_on(begun + beat)
        except AWAY:
            log.warning("sweep.database_away")
        await asyncio.sleep(max(begun + beat - monotonic(), 0))


async def _tidy(
    watch: Watch, clock: Clock, ring: Callable[[], None], keep: timedelta
) -> None:
    await _bury(await watch.unknown(), watch, clock, ring)
    await _mend(clock)
    await _forget(keep, clock)


async def _bury(
    workers: Iterable[str], watch: Watch, clock: Clock, ring: Callable[[], None]
) -> None:
    for dead in workers:
        freed = await watch.bury(dead, clock())
        log.warning("worker.buried", extra={"worker": dead, "freed": freed})
        ring()


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


async def _expire(clock: Clock, until: float) -> bool:
    """What was held too long; True if by then there is more. After each step comes a
    rest as long as the step took: others want the database, too."""
    while (begun := monotonic()) < until:
        async with writing() as db:
            ended = await acts.expire(db, clock())
        if ended < acts.STEP:
            return False
        await asyncio.sleep(monotonic() - begun)
    return True


async def _mend(clock: Clock) -> None:
    async with writing() as db:
        await acts.rouse(db, clock())
        await following.gather(db, clock())
    await runs.mend(clock())
    await spells.remind(clock())


@dataclass(slots=True)
class _Followers:
    """Webhooks whose deliveries follow a change of state, a step of each in turn and in
    short transactions: a million of one keep neither the others waiting, nor live
    traffic, nor this worker from its beat."""

    clock: Clock
    ring: Callable[[], None]
    _left: deque[str] = field(default_factory=deque)
    _hurry: bool = False

    async def step(self, until: float) -> bool:
        """True if there was anything to do. One at least has its turn; those that have
        none by then are next."""
        if not self._left:
            async with reading() as db:
                self._left += await following.webhooks(db)
        found, self._hurry = bool(self._left), False
        while self._left:
            async with writing() as db:
                more = await following.follow(db, self._left[0], self.clock())
            self._left.popleft()
            self._hurry |= more
            self.ring()
            if monotonic() > until:
                break
        return found

    async def go_on(self, until: float) -> None:
        """Until nothing is left to do, or so late."""
        while monotonic() < until:
            if not self._hurry:
                await asyncio.sleep(_STEP_SECONDS)
            if not await self.step(until):
                break
