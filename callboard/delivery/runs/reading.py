"""When a webhook's next run is, and what came of the last."""

from dataclasses import dataclass, fields
from datetime import datetime

from callboard.database import reading
from callboard.delivery.runs.planned import count_waiting
from callboard.delivery.tables import Run, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """As in the table `run`."""

    hand: bool
    started_at: datetime
    ended_at: datetime | None
    taken: int
    calls: int
    waiting: int
    superseded: int
    delivered: int
    again: int
    failed: int


@dataclass(frozen=True, slots=True)
class Timetable:
    """`waiting`: deliveries for the next run; `last`: the latest that found something,
    which is under way while it has not ended; `looked_at`: when one last looked."""

    next_run: datetime
    looked_at: datetime | None
    waiting: int
    last: Report | None


async def timetable(webhook: str) -> Timetable | None:
    """None where it delivers at once."""
    found = await Schedule.objects().get(Schedule.webhook == webhook)
    if found is None or found.next_run is None:
        return None
    async with reading() as db:
        waiting = await count_waiting(db, webhook)
    return Timetable(found.next_run, found.looked_at, waiting, await _last(webhook))


async def _last(webhook: str) -> Report | None:
    of_it = Run.objects().where(Run.webhook == webhook)
    row = await of_it.order_by(Run.id, ascending=False).first()
    if row is None:
        return None
    return Report(**{each.name: getattr(row, each.name) for each in fields(Report)})
