"""Which deliveries, or missing events, a selection comes to: counted, and in steps.

Of missing events those count that pass the webhook's filters, which takes reading them.
"""

from dataclasses import dataclass

from callboard.database import Database, reading
from callboard.delivery.reading import subject_of
from callboard.matching.filters import Filters
from callboard.matching.subject import Subject
from callboard.replays.bounds import Bounds
from callboard.replays.sources import Picked, Source, source_of

_MOST_READ = 2_000
# Of the largest they are 13 MB, and what is read of them is more.
_READ_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Picks:
    """`cursor`: behind all that was looked at. `ended`: there is no more."""

    items: list[Picked]
    cursor: str
    ended: bool


async def count(bounds: Bounds) -> int:
    """Exact. Where there are filters it reads every event, a few at a time, and keeps
    no connection for itself meanwhile."""
    source = source_of(bounds)
    if bounds.filters is None:
        async with reading() as db:
            return await source.count(db)
    found, after, ended = 0, "", False
    while not ended:
        async with reading() as db:
            picks = await _pick_wanted(db, source, bounds.filters, after, _MOST_READ)
        found += len(picks.items)
        after, ended = picks.cursor, picks.ended
    return found


async def pick(db: Database, bounds: Bounds, after: str, most: int) -> Picks:
    """The next ones behind `after`, the oldest first. With filters there may be fewer
    than `most` though it has not ended."""
    source = source_of(bounds)
    if bounds.filters is not None:
        return await _pick_wanted(db, source, bounds.filters, after, most)
    items = await source.pick(db, after, most)
    return Picks(items, items[-1].cursor if items else after, len(items) < most)


async def _pick_wanted(
    db: Database, source: Source, filters: Filters, after: str, most: int
) -> Picks:
    """Reads no more than 2 000 events, a few at a time."""
    found: list[Picked] = []
    for _ in range(_MOST_READ // _READ_AT_ONCE):
        batch = await source.pick(db, after, _READ_AT_ONCE)
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
