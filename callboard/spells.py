"""A webhook's troubles from the first failed try to the end: what follows from them."""

from datetime import datetime

from callboard.database import Clock, Database, reading, writing
from callboard.delivery.ledger import Recorded
from callboard.health import watch
from callboard.webhooks import webhooks


async def observe(db: Database, recorded: Recorded, now: datetime) -> list[str]:
    """In the transaction that records; the webhooks to `deactivate` after it."""
    told = await watch.observe(db, recorded, now)
    return watch.deactivations(told)


async def deactivate(webhook: str, now: datetime) -> None:
    """In a transaction of its own: it waits for the accepts under way, and they for
    turns that the recording holds."""
    async with writing() as db:
        await webhooks.stop_by_rule(db, webhook, now)


async def deactivate_waiting(clock: Clock) -> None:
    async with reading() as db:
        waiting = await watch.waiting_verdicts(db)
    for webhook in waiting:
        await deactivate(webhook, clock())
