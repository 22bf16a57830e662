"""The pump: record what has finished, claim what is due, send it, decide.

One lives in each worker process and serves all lanes, in a rhythm that needs no Redis.
Nothing here is retried by exception: a failed call is an outcome.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from time import monotonic

from callboard import spells
from callboard.database import Database, reading, writing
from callboard.delivery import freeing, ledger
from callboard.delivery.bulk import Bulk
from callboard.delivery.calling import make_call, prepare
from callboard.delivery.calls.caller import Caller
from callboard.delivery.calls.sender import Sender
from callboard.delivery.calls.targets import Targets
from callboard.delivery.crew import Crew
from callboard.delivery.flights import Flight, Flights
from callboard.delivery.hosts import Hosts
from callboard.delivery.lanes import Lanes
from callboard.delivery.ledger import Claimed, Result
from callboard.delivery.rhythm import ALONE, Rhythm
from callboard.delivery.states import Lane
from callboard.delivery.unsure import Unsure
from callboard.errors import Unavailable

# Recorded in one look: the more there is, the longer what has ended later waits.
_MOST = 1024
# What is leased ahead is given back if its turn does not come soon: what a person
# changes must be honoured within a second.
_WAITS = 0.5
# What was leased longer ago may be another worker's by now: this one stood still.
_SURE = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Load:
    """What a look takes to the database: what is `finished` or `unused` is recorded,
    `held` and `bulk` bound what is claimed. `claims`: made before this look."""

    begun: float
    finished: list[Result]
    unused: list[Claimed]
    slow: frozenset[str]
    held: dict[str, int]
    bulk: int | None
    claims: int


@dataclass(slots=True)
class Pump:
    worker: str
    sender: Sender
    targets: Targets
    clock: Callable[[], datetime]
    places: int
    rng: Random = field(default_factory=Random)
    on_full: Callable[[], None] = lambda: None
    on_notice: Callable[[], None] = lambda: None
    sure_for: float = _SURE
    unsure: Unsure = field(default_factory=Unsure)

    _caller: Caller = field(init=False)
    _claims: int = 0
    _stopping: bool = False
    _rhythm: Rhythm = field(default_factory=Rhythm)
    _finished: list[Result] = field(default_factory=list)
    _unused: list[Claimed] = field(default_factory=list)
    _slow: frozenset[str] = frozenset()
    _was_full: bool = False
    _told_slow_at: float = 0.0
    _flights: Flights = field(init=False)
    _lanes: Lanes = field(init=False)
    _bulk: Bulk = field(init=False)
    _crew: Crew = field(init=False)

    def __post_init__(self) -> None:
        self._caller = Caller(self.sender)
        self._flights = Flights(self.places)
        self._lanes = Lanes(self._flights)
        self._bulk = Bulk(self.places)
        self._crew = Crew(self._prepare, self._fly)

    def ring(self) -> None:
        self._rhythm.ring()

    def goes_on(self, seconds: float) -> bool:
        """Whether it looks again and again for so long, without being rung."""
        return self._rhythm.goes_on(seconds)

    @property
    def hosts(self) -> Hosts:
        return self._flights.hosts

    def bulk_ahead(self) -> int:
        """How much of what nobody waits for may wait for this worker now."""
        return self._bulk.ahead(monotonic())

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    def unrecorded(self) -> int:
        """Calls that were made, as far as nobody knows of them yet."""
        return sum(not each.claimed.rides for each in self._finished)

    async def run(self) -> None:
        """Until `stop`; then until what is in flight has ended and is recorded."""
        while not (self._stopping and self._is_done()):
            self._rhythm.begin()
            try:
                await self.look()
            except Unavailable:
                log.warning("database.away", extra={"unrecorded": self.unrecorded()})
                await asyncio.sleep(ALONE)
            await self._rhythm.rest()

    async def stop(self, grace: float) -> None:
        """No new claims; what is under way ends by itself or is cut after `grace`."""
        self._stopping = True
        self._unused += self._flights.give_up(0)
        self._rhythm.stir()
        await self._crew.stop(grace)

    def _is_done(self) -> bool:
        return not (self._flights or self._finished or self._unused)

    async def look(self) -> None:
        """One turn of the wheel: one transaction that records and claims."""
        load = self._load()
        try:
            async with writing() as db:
                now = self.clock()
                told = await self._record(db, load, now)
                claimed = await self._claim(db, load, now)
        except BaseException:
            self._take_back(load)
            raise
        self._learn(load, claimed)
        self._set_off(claimed)
        self._tell_if_full()
        if told:
            self.on_notice()
        if claimed:
            self._rhythm.found()
        else:
            self._rhythm.found_nothing(await self._seconds_to_next())

    def _load(self) -> _Load:
        finished = self._finished[:_MOST]
        slow = self._flights.age()
        unused, self._unused = self._unused + self._flights.give_up(_WAITS), []
        held, at = self._flights.held(), monotonic()
        bulk = self._room_for_bulk(at)
        return _Load(at, finished, unused, slow, held, bulk, self._claims)

    async def _record(self, db: Database, load: _Load, now: datetime) -> bool:
        """True if anybody may have to be told."""
        if unsure := self.unsure.due(load.begun):
            await freeing.free_claims(db, unsure, now)
        known = self._known_slow()
        recorded = await ledger.record(
            db, load.finished, load.slow, now, load.unused, known
        )
        return await spells.observe(db, recorded, now)

    def _take_back(self, load: _Load) -> None:
        """The look broke off. Whether its claims were made nobody knows."""
        self._unused += load.unused
        numbers = range(load.claims + 1, self._claims + 1)
        leases = [f"{self.worker}/{number}" for number in numbers]
        self.unsure.add(leases, monotonic())

    def _learn(self, load: _Load, claimed: list[Flight]) -> None:
        self.unsure.freed(load.begun)
        self._slow = load.slow
        del self._finished[: len(load.finished)]
        found, ended = [each.claimed for each in claimed], monotonic()
        self._bulk.learn(found, ended - load.begun, load.bulk, ended)

    def _set_off(self, claimed: list[Flight]) -> None:
        if self._stopping:
            self._unused += [flight.claimed for flight in claimed]
        else:
            self._crew.start(self._flights.board(claimed))

    def _tell_if_full(self) -> None:
        """Once: others who are rung go on looking while they find something."""
        full, before = self._flights.is_full, self._was_full
        self._was_full = full
        if full and not before:
            self.on_full()

    def _room_for_bulk(self, at: float) -> int | None:
        most = self._bulk.most(at)
        return None if most is None else max(most - self._flights.bulk, 0)

    def _known_slow(self) -> frozenset[str]:
        """Whose turns say so; now and then again, for another worker may have seen a
        quick answer meanwhile."""
        if monotonic() - self._told_slow_at < ALONE:
            return self._slow
        self._told_slow_at = monotonic()
        return frozenset()

    async def _seconds_to_next(self) -> float | None:
        """To the next retry, so that it need not wait for the next second."""
        if not self._may_claim or not self._flights.room(Lane.EXPRESS):
            return None
        async with reading() as db:
            due = await ledger.next_due(db)
        return None if due is None else (due - self.clock()).total_seconds()

    @property
    def _may_claim(self) -> bool:
        """A worker that has just begun has no share of any host yet."""
        return not self._stopping and self.hosts.share > 0

    async def _claim(self, db: Database, load: _Load, now: datetime) -> list[Flight]:
        """In the other lanes each webhook has one call, however much it has waiting."""
        if not self._may_claim:
            return []
        claimed = []
        for lane in self._lanes.due(monotonic()):
            free = self._flights.room(lane)
            if free > 0:
                self._claims += 1
                lease = f"{self.worker}/{self._claims}"
                most = load.bulk if lane is Lane.EXPRESS else None
                found = await ledger.claim(db, lane, free, lease, now, load.held, most)
                claimed += [(lane, each) for each in found]
                self._lanes.claimed(lane, len(found) == free)
        await self.targets.load((each.webhook, each.version) for _, each in claimed)
        return [
            Flight(each, self.targets[each.webhook], lane) for lane, each in claimed
        ]

    def _prepare(self, flight: Flight) -> None:
        prepare(flight, self.clock())

    async def _fly(self, flight: Flight) -> None:
        begun = monotonic()
        results = await make_call(
            flight, self._caller, self.clock, self.rng, self.sure_for
        )
        self._finished += results
        if not results:
            self._unused.append(flight.claimed)
        self._crew.start(self._flights.land(flight, monotonic() - begun))
        self._rhythm.stir()
