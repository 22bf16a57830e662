"""Which deliveries, or missing events, a selection comes to: counted, and in steps.

Both kinds are walked in the order in which they came, behind a cursor. Of missing
events those count that pass the webhook's filters, which takes reading them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callboard import ids
from callboard.database import Database, reading
from callboard.delivery.reading import subject_of
from callboard.delivery.states import DeliveryState
from callboard.matching.filters import Filters
from callboard.matching.subject import Subject
from callboard.replays.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Picked:
    """`repeats`: the delivery's sequence number; None for an event that had none."""

    event: str
    type: str
    accepted_at: datetime
    repeats: int | None
    state: str | None
    cursor: str


@dataclass(frozen=True, slots=True)
class Picks:
    """`cursor`: behind all that was looked at. `ended`: there is no more."""

    items: list[Picked]
    cursor: str
    ended: bool


async def count(bounds: Bounds) -> int:
    """Exact. Where there are filters it reads every event, a few at a time, and keeps
    no connection for itself meanwhile."""
    if bounds.filters is None:
        async with reading() as db:
            return await _count(db, bounds)
    found, after, ended = 0, "", False
    while not ended:
        async with reading() as db:
            picks = await _pick_wanted(db, bounds, bounds.filters, after, _MOST_READ)
        found += len(picks.items)
        after, ended = picks.cursor, picks.ended
    return found


async def _count(db: Database, bounds: Bounds) -> int:
    source = _EVENTS if bounds.missing else _DELIVERIES
    which, values = _which(bounds)
    rows = await db.fetch(f"SELECT count(*) AS n {source} {which}", **values)
    return int(rows[0]["n"])


async def pick(db: Database, bounds: Bounds, after: str, most: int) -> Picks:
    """The next ones behind `after`, the oldest first. With filters there may be fewer
    than `most` though it has not ended."""
    if bounds.filters is not None:
        return await _pick_wanted(db, bounds, bounds.filters, after, most)
    pick_next = _pick_events if bounds.missing else _pick_deliveries
    items = await pick_next(db, bounds, after, most)
    return Picks(items, items[-1].cursor if items else after, len(items) < most)


async def _pick_wanted(
    db: Database, bounds: Bounds, filters: Filters, after: str, most: int
) -> Picks:
    """Reads no more than 2 000 events, a few at a time."""
    found: list[Picked] = []
    for _ in range(_MOST_READ // _READ_AT_ONCE):
        batch = await _pick_events(db, bounds, after, _READ_AT_ONCE)
        subjects = await _subjects(db, [each.event for each in batch])
        for each in batch:
            after = each.cursor
            if filters.passes(subjects[each.event]):
                found.append(each)
            if len(found) == most:
                return Picks(found, after, ended=False)
        if len(batch) < _READ_AT_ONCE:
            return Picks(found, after, ended=True)
    return Picks(found, after, ended=False)


async def _subjects(db: Database, events: list[str]) -> dict[str, Subject]:
    rows = await db.fetch(
        "SELECT id, data, accepted_at, context, sending, kind FROM event"
        " WHERE id = ANY(:events)",
        events=events,
    )
    return {row["id"]: subject_of(row) for row in rows}


_MOST_READ = 2_000
_READ_AT_ONCE = 200
_DELIVERIES = "FROM delivery d JOIN event e ON e.id = d.event"
_EVENTS = "FROM event e"
# What was sent again counts by what became of that.
_IS_LATEST = """NOT EXISTS (SELECT 1 FROM delivery later WHERE later.event = d.event
    AND later.webhook || '' = d.webhook AND later.seq > d.seq{fence})"""
# An event that expired while it was held was never sent either.
_WAS_NOT_SENT = """NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.id
    AND d.webhook || '' = :webhook
    AND NOT (d.state = 'expired' AND d.attempts = 0){fence})"""
# A few rows are looked up one by one, by their events: `|| ''` hides the index by
# webhook, of which PostgreSQL may otherwise read all entries each time, and the fence
# keeps it from reading all deliveries, to join with them.
_FENCE = " LIMIT 1 OFFSET 0"


async def _pick_deliveries(
    db: Database, bounds: Bounds, after: str, most: int
) -> list[Picked]:
    which, values = _which(bounds, _FENCE)
    rows = await db.fetch(
        f"""
        SELECT d.seq, d.event, d.state, e.type, e.accepted_at {_DELIVERIES} {which}
          AND d.seq > :after ORDER BY d.seq LIMIT :most
        """,
        after=_sequence(after),
        most=most,
        **values,
    )
    return [
        Picked(
            row["event"],
            row["type"],
            row["accepted_at"],
            row["seq"],
            row["state"],
            ids.from_sequence("dlv", row["seq"]),
        )
        for row in rows
    ]


async def _pick_events(
    db: Database, bounds: Bounds, after: str, most: int
) -> list[Picked]:
    which, values = _which(bounds, _FENCE)
    rows = await db.fetch(
        f"""
        SELECT e.id, e.type, e.accepted_at, (SELECT max(d.seq) FROM delivery d
            WHERE d.event = e.id AND d.webhook || '' = :webhook) AS repeats
        {_EVENTS} {which} AND e.id > :after ORDER BY e.id LIMIT :most
        """,
        after=after,
        most=most,
        **values,
    )
    return [
        Picked(
            row["id"],
            row["type"],
            row["accepted_at"],
            row["repeats"],
            DeliveryState.EXPIRED if row["repeats"] else None,
            row["id"],
        )
        for row in rows
    ]


def _which(bounds: Bounds, fence: str = "") -> tuple[str, dict[str, Any]]:
    """The conditions, and the values in them."""
    values: dict[str, Any] = {"account": bounds.account, "webhook": bounds.webhook}
    values["upto"] = bounds.upto if bounds.missing else _sequence(bounds.upto)
    if not bounds.missing:
        values["at"] = bounds.at
    for name, value in (("since", bounds.since), ("until", bounds.until)):
        if value is not None:
            values[name] = value
    if bounds.names is not None:
        values["names"] = bounds.names
    return "WHERE " + " AND ".join(_clauses(bounds, fence)), values


def _clauses(bounds: Bounds, fence: str) -> Iterator[str]:
    if bounds.missing:
        yield "e.account = :account"
        yield "e.id <= :upto"
        yield _WAS_NOT_SENT.format(fence=fence)
    else:
        yield "d.account = :account"
        yield "d.webhook = :webhook"
        # As literals, so that the partial indexes serve them.
        states = ", ".join(f"'{state.value}'" for state in bounds.states)
        yield f"d.state IN ({states})"
        yield "d.seq <= :upto"
        yield "d.finished_at <= :at"
        yield _IS_LATEST.format(fence=fence)
    if bounds.names is not None:
        yield "e.type = ANY(:names)"
    if bounds.since is not None:
        yield "e.accepted_at >= :since"
    if bounds.until is not None:
        yield "e.accepted_at < :until"


def _sequence(id: str) -> int:
    return ids.to_sequence("dlv", id) or 0
