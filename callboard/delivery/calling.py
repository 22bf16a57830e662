"""From a leased delivery to what became of it: build the call, send it, decide."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from random import Random
from time import monotonic
from typing import TypeVar

from msgspec.structs import replace

from callboard.database import Database, reading, writing
from callboard.delivery import buckets, ledger
from callboard.delivery.calls import request
from callboard.delivery.calls.caller import Caller
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.targets import Target
from callboard.delivery.deciding import decide
from callboard.delivery.flights import Flight, Prepared
from callboard.delivery.ledger import Claimed, Result
from callboard.errors import Unavailable
from callboard.outcome import ErrorClass, Outcome

_TRY_AGAIN = 1.0

T = TypeVar("T")


def prepare(flight: Flight, now: datetime) -> None:
    """Where its event is at hand."""
    claimed = flight.claimed
    if not (claimed.bucket or claimed.unread):
        call = request.build(flight.target, claimed.facts, claimed.attempts + 1, now)
        flight.prepared = Prepared([claimed], call, now)


async def make_call(
    flight: Flight,
    caller: Caller,
    clock: Callable[[], datetime],
    rng: Random,
    sure_for: float,
) -> list[Result]:
    """One for each delivery in the call; none where no call was made, because its event
    cannot be read now, or the delivery is not leased to us any more, which we are sure
    of for so long. Cancelled, it says so and ends as usual."""
    claimed, target = flight.claimed, flight.target
    try:
        prepared = flight.prepared or await _read_and_prepare(flight, clock())
    except asyncio.CancelledError:
        return []  # who has boarded is set free with its own lease
    flight.prepared = None  # who watches the young ones would keep its body for long
    if prepared is None or monotonic() - flight.leased_at > sure_for:
        return []  # what was read may have been told late
    members, call, started_at, misfits = prepared
    try:
        outcome = _unsendable(target, call) or await caller.call(target, call)
    except asyncio.CancelledError:
        outcome = _cut(monotonic() - flight.since)
    results = []
    for each in members:
        sent = request.sent(call, target, each, claimed)
        own = _own(misfits, each, outcome) if misfits else outcome
        results.append(decide(each, target, sent, own, started_at, rng))
    return results


async def _read_and_prepare(flight: Flight, now: datetime) -> Prepared | None:
    """What was read for the call alone is forgotten with this."""
    claimed, target = flight.claimed, flight.target
    if claimed.bucket:
        members = await _board(flight, now)
        if not members:
            return None
        misfits = request.misfits(target, members)
        call = request.build_together(target, members, misfits, now)
        return Prepared([_told(each) for each in members], call, now, misfits)
    whole = await _read(claimed)
    if whole is None:
        return None
    call = request.build(target, whole.facts, claimed.attempts + 1, now)
    return Prepared([claimed], call, now)


async def _read(claimed: Claimed) -> Claimed | None:
    """None while the database is away: another look leases it again."""
    try:
        async with reading() as db:
            return await ledger.read(db, claimed)
    except Unavailable:
        return None


def _told(claimed: Claimed) -> Claimed:
    """The call has its data now; there may be 32 MiB of it."""
    return replace(claimed, facts=replace(claimed.facts, data=""))


async def _board(flight: Flight, now: datetime) -> Sequence[Claimed]:
    """All that go in its call."""
    members = await _certainly(partial(buckets.board, lead=flight.claimed))
    left = request.beyond(flight.target, flight.claimed, members)
    if left:
        await _certainly(partial(buckets.part, left=left, now=now))
    stay = {each.seq for each in left}
    return [each for each in members if each.seq not in stay]


async def _certainly(act: Callable[[Database], Awaitable[T]]) -> T:
    """A call with several deliveries is a rare one, so it may wait for the database."""
    while True:
        try:
            async with writing() as db:
                return await act(db)
        except Unavailable:
            await asyncio.sleep(_TRY_AGAIN)


def _unsendable(target: Target, call: Call) -> Outcome | None:
    if target.problem:
        return Outcome(error=ErrorClass.REQUEST, detail=target.problem)
    if call.problem:
        return Outcome(error=ErrorClass.VALUE, detail=call.problem)
    return None


def _own(misfits: Mapping[int, str], claimed: Claimed, outcome: Outcome) -> Outcome:
    """A misfit was left out of the call that it should have shared."""
    problem = misfits.get(claimed.seq)
    return Outcome(error=ErrorClass.VALUE, detail=problem) if problem else outcome


def _cut(seconds: float) -> Outcome:
    return Outcome(
        error=ErrorClass.TIMEOUT,
        detail="The call was cut off because this worker was stopped.",
        seconds=seconds,
    )
