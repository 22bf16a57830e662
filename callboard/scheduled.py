"""Webhooks that deliver in scheduled runs: when, at whose request, and what came of it.

The sweep of every worker looks each second; of two that see a run due one begins it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from callboard.accounts import audit
from callboard.database import Clock, reading, writing
from callboard.delivery import runs
from callboard.delivery.runs import STEP, Wanted
from callboard.delivery.tables import Run, Schedule
from callboard.errors import Conflict
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState

log = logging.getLogger(__name__)


async def look(clock: Clock, ring: Callable[[], None]) -> None:
    """Ends the runs that have nothing more to send, and begins those that are due."""
    async with reading() as db:
        ended = await runs.ended(db)
        wanted = await runs.wanted(db, clock())
    for webhook, run in ended:
        async with writing() as db:
            await runs.finish(db, webhook, run, clock())
    for each in wanted:
        if await _start(each, hand=False, now=clock()):
            ring()


async def mend(now: datetime) -> None:
    """Deliveries follow when a webhook gets a schedule, or loses it."""
    async with reading() as db:
        misplaced = await runs.misplaced(db)
    for webhook in misplaced:
        async with writing() as db:
            await runs.align(db, webhook, now)


async def run_now(account: str, actor: str, id: str, now: datetime) -> int:
    """How many deliveries the run took. The plan stays as it is.

    Raises Conflict where none can be: no schedule, not active, one is under way.
    """
    row = await webhooks.get(account, id)
    async with reading() as db:
        wanted = await runs.of_webhook(db, id)
        stands = await Schedule.objects().get(Schedule.webhook == id)
    if wanted is None or stands is None:
        raise Conflict(f"{row.name} delivers at once: it has no schedule.")
    if row.state != WebhookState.ACTIVE:
        raise Conflict(f"{row.name} is {row.state}: activate it first.")
    taken = None if stands.going else await _start(wanted, hand=True, now=now)
    if taken is None:
        raise Conflict("A run is under way; it takes what waits first.")
    async with writing() as db:
        await audit.note(account, actor, "webhook.run", id, f"{taken} taken", now)
    return taken


async def _start(wanted: Wanted, hand: bool, now: datetime) -> int | None:
    superseded = await _supersede_most(wanted, now)
    async with writing() as db:
        taken = await runs.start(db, wanted, hand, superseded, now)
    if taken:
        extra = {"webhook": wanted.webhook, "taken": taken, "superseded": superseded}
        log.info("run.started", extra=extra)
    return taken


async def _supersede_most(wanted: Wanted, now: datetime) -> int:
    """In steps of their own: there may be very many after an outage."""
    done = 0
    while wanted.schedule.latest_only:
        async with writing() as db:
            step = await runs.supersede(db, wanted.webhook, now)
        done += step
        if step < STEP:
            break
    return done


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
        waiting = await runs.count_waiting(db, webhook)
    return Timetable(found.next_run, found.looked_at, waiting, await _last(webhook))


async def _last(webhook: str) -> Report | None:
    of_it = Run.objects().where(Run.webhook == webhook)
    row = await of_it.order_by(Run.id, ascending=False).first()
    if row is None:
        return None
    return Report(**{each.name: getattr(row, each.name) for each in fields(Report)})
