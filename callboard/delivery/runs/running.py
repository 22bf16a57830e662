"""Begins runs and ends them, by the plan or because a person asks for one.

The sweep of every worker looks each second; of two that see a run due one begins it.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from callboard.accounts import audit
from callboard.accounts.actor import Actor
from callboard.database import Clock, reading, writing
from callboard.delivery.runs import aligning, planned
from callboard.delivery.runs.ending import ended, finish
from callboard.delivery.runs.planned import Wanted
from callboard.delivery.runs.starting import start
from callboard.delivery.runs.superseding import STEP, supersede
from callboard.delivery.tables import Schedule, Turn
from callboard.errors import Conflict
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState

log = logging.getLogger(__name__)


async def look(clock: Clock, ring: Callable[[], None]) -> None:
    """Ends the runs that have nothing more to send, and begins those that are due."""
    async with reading() as db:
        over = await ended(db)
        wanted = await planned.wanted(db, clock())
    for webhook, run in over:
        async with writing() as db:
            await finish(db, webhook, run, clock())
    for each in wanted:
        if await _start(each, hand=False, now=clock()):
            ring()


async def mend(now: datetime) -> None:
    """Deliveries follow when a webhook gets a schedule, or loses it."""
    async with reading() as db:
        misplaced = await aligning.misplaced(db)
    for webhook in misplaced:
        async with writing() as db:
            await aligning.align(db, webhook, now)


async def run_now(by: Actor, id: str) -> int:
    """How many deliveries the run took. The plan stays as it is.

    Raises Conflict where none can be: no schedule, not active, one is under way, or
    what was held is still to be put back.
    """
    row = await webhooks.get(by.account, id)
    async with reading() as db:
        wanted = await planned.of_webhook(db, id)
        stands = await Schedule.objects().get(Schedule.webhook == id)
        turn = await Turn.objects().get(Turn.webhook == id)
    if wanted is None or stands is None or turn is None:
        raise Conflict(f"{row.name} delivers at once: it has no schedule.")
    if row.state != WebhookState.ACTIVE:
        raise Conflict(f"{row.name} is {row.state}: activate it first.")
    if turn.follow:
        raise Conflict("What was held is still being put back: try again in a moment.")
    taken = None if stands.going else await _start(wanted, hand=True, now=by.now)
    if taken is None:
        raise Conflict("A run is under way; it takes what waits first.")
    async with writing() as db:
        await audit.note(by, "webhook.run", id, f"{taken} taken")
    return taken


async def _start(wanted: Wanted, hand: bool, now: datetime) -> int | None:
    superseded = await _supersede_most(wanted, now)
    async with writing() as db:
        taken = await start(db, wanted, hand, superseded, now)
    if taken:
        extra = {"webhook": wanted.webhook, "taken": taken, "superseded": superseded}
        log.info("run.started", extra=extra)
    return taken


async def _supersede_most(wanted: Wanted, now: datetime) -> int:
    """In steps of their own: there may be very many after an outage."""
    done = 0
    while wanted.schedule.latest_only:
        async with writing() as db:
            step = await supersede(db, wanted.webhook, now)
        done += step
        if step < STEP:
            break
    return done
