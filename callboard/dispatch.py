"""The pump: record what has finished, claim what is due, send it, decide.

One lives in each worker process and serves both lanes. It looks when it is rung, keeps
looking for a while after, and looks by itself once a second: that is the sweep, which
needs no Redis. Nothing here is retried by exception: a failed call is an outcome.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from time import monotonic

from callboard import retry, spells
from callboard.database import Database, reading, writing
from callboard.delivery import acts, ledger, request
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.request import Call
from callboard.delivery.sender import Sender
from callboard.delivery.states import DeliveryState, Lane, Trigger
from callboard.delivery.targets import Target, Targets
from callboard.delivery.turns import SLOW_SECONDS
from callboard.errors import Unavailable
from callboard.outcome import ErrorClass, Outcome

# Between two looks: while there is traffic, while it was rung lately, on its own.
_BUSY, _RUNG, _ALONE = 0.005, 0.02, 1.0
_KEEPS_LOOKING = 0.25
_OTHER_LANES = 0.05

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Flight:
    """A call under way. It holds an express place for its first second only.

    There may be two of one delivery: a worker that slept so long that its leases were
    taken away may claim it once more while its old call hangs.
    """

    claimed: Claimed
    lane: Lane
    begun: float
    slow: bool = False
    task: asyncio.Task[None] | None = None


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

    _claims: int = 0
    _stopping: bool = False
    _rung_at: float = 0.0
    _others_at: float = 0.0
    _next_due: datetime | None = None
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _unsure: list[str] = field(default_factory=list)
    _finished: list[Result] = field(default_factory=list)
    _flights: set[_Flight] = field(default_factory=set)
    _young: deque[_Flight] = field(default_factory=deque)
    _in_lane: Counter[Lane] = field(default_factory=Counter)
    _slow: Counter[str] = field(default_factory=Counter)

    def ring(self) -> None:
        self._rung_at = monotonic()
        self._stirred.set()

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    async def run(self) -> None:
        """Until `stop`; then until what is in flight has ended and is recorded."""
        while not (self._stopping and not self._flights and not self._finished):
            begun = monotonic()
            self._stirred.clear()
            try:
                await self.look()
            except Unavailable:
                log.warning("database.away", extra={"unrecorded": len(self._finished)})
                await asyncio.sleep(_ALONE)
            await self._rest(begun)

    async def stop(self, grace: float) -> None:
        """No new claims; what is under way ends by itself or is cut after `grace`."""
        self._stopping = True
        self._stirred.set()
        tasks = [flight.task for flight in self._flights if flight.task]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()

    async def look(self) -> None:
        """One turn of the wheel: one transaction that records and claims."""
        finished, self._finished = self._finished, []
        slow, before = self._age(), self._claims
        try:
            async with writing() as db:
                now = self.clock()
                await self._give_back(db, now)
                recorded = await ledger.record(db, finished, slow, now)
                told = await spells.observe(db, recorded, now)
                claimed = await self._claim(db, now)
        except BaseException:
            self._finished = finished + self._finished
            numbers = range(before + 1, self._claims + 1)
            self._unsure += [f"{self.worker}/{number}" for number in numbers]
            raise
        self._unsure.clear()
        for lane, each in claimed:
            self._start(each, lane)
        if told:
            self.on_notice()
        self._next_due = None if claimed else await self._earliest()
        if claimed:
            self._rung_at = monotonic()  # where something was there may be more

    async def _give_back(self, db: Database, now: datetime) -> None:
        """Claims of a look that broke off: its commit may have been made all the same,
        and nobody else would ever free what a living worker has leased."""
        if self._unsure:
            await acts.free_claims(db, self._unsure, now)

    async def _rest(self, begun: float) -> None:
        """Under load, calls that end close together share the next look."""
        await asyncio.sleep(max(begun + _BUSY - monotonic(), 0))
        try:
            async with asyncio.timeout(self._patience()):
                await self._stirred.wait()
        except TimeoutError:
            return

    def _patience(self) -> float:
        if monotonic() - self._rung_at < _KEEPS_LOOKING:
            return _RUNG
        if self._next_due is None:
            return _ALONE
        seconds = (self._next_due - self.clock()).total_seconds()
        return min(max(seconds, _RUNG), _ALONE)

    async def _earliest(self) -> datetime | None:
        """When the next retry is due, so that it need not wait for the next second."""
        if self._stopping or not self._free(Lane.EXPRESS):
            return None
        async with reading() as db:
            return await ledger.next_due(db)

    def _age(self) -> frozenset[str]:
        """Calls older than a second become patient; the webhooks that have such."""
        grown = monotonic() - SLOW_SECONDS
        while self._young and self._young[0].begun < grown:
            flight = self._young.popleft()
            if flight in self._flights:
                self._in_lane[flight.lane] -= 1
                flight.lane, flight.slow = Lane.PATIENT, True
                self._in_lane[Lane.PATIENT] += 1
                self._slow[flight.claimed.webhook] += 1
        return frozenset(+self._slow)

    async def _claim(self, db: Database, now: datetime) -> list[tuple[Lane, Claimed]]:
        if self._stopping:
            return []
        claimed = []
        for lane in self._lanes():
            free = self._free(lane)
            if free > 0:
                self._claims += 1
                lease = f"{self.worker}/{self._claims}"
                found = await ledger.claim(db, lane, free, lease, now)
                claimed += [(lane, each) for each in found]
                if len(found) == free:
                    self.on_full()
        await self.targets.load((each.webhook, each.version) for _, each in claimed)
        return claimed

    def _lanes(self) -> list[Lane]:
        """Under load the other lanes are looked at less often than express."""
        if self._flights and monotonic() - self._others_at < _OTHER_LANES:
            return [Lane.EXPRESS]
        self._others_at = monotonic()
        return list(Lane)

    def _free(self, lane: Lane) -> int:
        """Every place for express calls younger than a second, but half of them where
        others are under way. At most half for the rest, and a quarter for the untried:
        a thousand new dead receivers delay no quick one.
        """
        half = max(self.places // 2, 1)
        others = self._in_lane[Lane.PATIENT] + self._in_lane[Lane.UNTRIED]
        if lane is Lane.EXPRESS:
            return max(self.places - others, half) - self._in_lane[lane]
        rest = half - others
        if lane is Lane.PATIENT:
            return rest
        return min(rest, max(half // 2, 1) - self._in_lane[lane])

    def _start(self, claimed: Claimed, lane: Lane) -> None:
        flight = _Flight(claimed, lane, monotonic())
        self._flights.add(flight)
        self._in_lane[lane] += 1
        self._young.append(flight)
        flight.task = asyncio.create_task(self._fly(flight))

    async def _fly(self, flight: _Flight) -> None:
        claimed = flight.claimed
        target = self.targets[claimed.webhook]
        started_at = self.clock()
        call = request.build(
            target,
            claimed.event,
            claimed.type,
            claimed.data,
            claimed.occurred_at,
            started_at,
        )
        try:
            outcome = await self._send(target, call)
        except asyncio.CancelledError:
            outcome = _cut(monotonic() - flight.begun)
        sent = Sent(call.method, call.url, request.masked(call, target), None)
        self._finished.append(
            decide(claimed, target, sent, outcome, started_at, self.rng)
        )
        self._land(flight)

    async def _send(self, target: Target, call: Call) -> Outcome:
        if target.problem:
            return Outcome(error=ErrorClass.REQUEST, detail=target.problem)
        return await self.sender.send(call)

    def _land(self, flight: _Flight) -> None:
        self._flights.remove(flight)
        self._in_lane[flight.lane] -= 1
        if flight.slow:
            self._slow[flight.claimed.webhook] -= 1
        self._stirred.set()


def decide(
    claimed: Claimed,
    target: Target,
    sent: Sent,
    outcome: Outcome,
    started_at: datetime,
    rng: Random,
) -> Result:
    """What becomes of a delivery after a call; gaps run from the start of the try."""
    ended_at = started_at + timedelta(seconds=outcome.seconds)
    state, due = DeliveryState.FAILED, None
    reason: str | None = "every try failed"
    if retry.succeeded(target.success, outcome):
        state, reason = DeliveryState.DELIVERED, None
    elif outcome.status == retry.GONE and outcome.error is None:
        # Its webhook is deactivated with the recording of it; so it will be held.
        state, due, reason = DeliveryState.PENDING, ended_at, None
    elif claimed.trigger == Trigger.HAND:
        state, due, reason = DeliveryState.PENDING, claimed.planned, None
    else:
        number = claimed.tries + 1
        delay = retry.next_delay(target.plan, number, outcome, ended_at, rng)
        if delay is not None:
            state, reason = DeliveryState.PENDING, None
            due = started_at + timedelta(seconds=delay)
    return Result(claimed, sent, started_at, outcome, state, due, reason, ended_at)


def _cut(seconds: float) -> Outcome:
    return Outcome(
        error=ErrorClass.TIMEOUT,
        detail="The call was cut off because this worker was stopped.",
        seconds=seconds,
    )
