"""What a person does to one delivery: send again, try now, cancel."""

from datetime import datetime

from callboard import ids
from callboard.accounts import audit
from callboard.database import Database, writing
from callboard.delivery import acts, events, ledger, reading
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import FINISHED
from callboard.errors import Conflict, NotFound
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState


async def repeat(account: str, actor: str, delivery: str, now: datetime) -> str:
    """The id of a new delivery of the same event to the same webhook.

    Raises Conflict while the old one is not finished, or its webhook is not active.
    """
    old = await reading.get(account, delivery)
    if old.state not in FINISHED:
        raise Conflict("This delivery is still waiting; try it now instead.")
    return await _send(account, actor, old.event, old.webhook, old.seq, now)


async def send_event(
    account: str, actor: str, event: str, webhook: str, now: datetime
) -> str:
    """One event to one webhook, whether it listens to its type or not."""
    return await _send(account, actor, event, webhook, None, now)


async def try_now(account: str, actor: str, delivery: str, now: datetime) -> None:
    seq = reading.sequence_of(delivery)
    async with writing() as db:
        await reading.get(account, delivery)
        await acts.try_now(db, account, seq, now)
        await audit.note(account, actor, "delivery.tried", delivery, "", now)


async def cancel(account: str, actor: str, delivery: str, now: datetime) -> None:
    seq = reading.sequence_of(delivery)
    async with writing() as db:
        await reading.get(account, delivery)
        await acts.cancel(db, account, seq, now)
        await audit.note(account, actor, "delivery.cancelled", delivery, "", now)


async def _send(
    account: str,
    actor: str,
    event: str,
    webhook: str,
    repeats: int | None,
    now: datetime,
) -> str:
    async with writing() as db:
        if not await events.keep(db, account, [event]):
            raise NotFound("There is no such event.")
        row = await webhooks.get(account, webhook)
        if row.state != WebhookState.ACTIVE:
            raise Conflict(f"{row.name} is {row.state}: activate it first.")
        new = NewDelivery.on_request(account, webhook, event, repeats, now, now)
        await ledger.enter(db, [new], now)
        await audit.note(account, actor, "event.sent", event, row.name, now)
        return await _newest(db, event, webhook)


async def _newest(db: Database, event: str, webhook: str) -> str:
    rows = await db.fetch(
        "SELECT max(seq) AS seq FROM delivery"
        " WHERE event = :event AND webhook = :webhook",
        event=event,
        webhook=webhook,
    )
    return ids.from_sequence("dlv", rows[0]["seq"])
