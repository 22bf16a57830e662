"""What a person does to one delivery: send again, try now, cancel."""

from callboard import ids
from callboard.accounts import audit
from callboard.accounts.actor import Actor
from callboard.database import Database, writing
from callboard.delivery import acts, events, ledger, reading
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import FINISHED
from callboard.errors import Conflict, NotFound
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState


async def repeat(by: Actor, delivery: str) -> str:
    """The id of a new delivery of the same event to the same webhook.

    Raises Conflict while the old one is not finished, or its webhook is not active.
    """
    old = await reading.get(by.account, delivery)
    if old.state not in FINISHED:
        raise Conflict("This delivery is still waiting; try it now instead.")
    return await _send(by, old.event, old.webhook, repeats=old.seq)


async def send_event(by: Actor, event: str, webhook: str) -> str:
    """One event to one webhook, whether it listens to its type or not."""
    return await _send(by, event, webhook, repeats=None)


async def try_now(by: Actor, delivery: str) -> None:
    seq = reading.sequence_of(delivery)
    async with writing() as db:
        await reading.get(by.account, delivery)
        await acts.try_now(db, by.account, seq, by.now)
        await audit.note(by, "delivery.tried", delivery)


async def cancel(by: Actor, delivery: str) -> None:
    seq = reading.sequence_of(delivery)
    async with writing() as db:
        await reading.get(by.account, delivery)
        await acts.cancel(db, by.account, seq, by.now)
        await audit.note(by, "delivery.cancelled", delivery)


async def _send(by: Actor, event: str, webhook: str, repeats: int | None) -> str:
    account, now = by.account, by.now
    async with writing() as db:
        if not await events.keep(db, account, [event]):
            raise NotFound("There is no such event.")
        row = await webhooks.get(account, webhook)
        if row.state != WebhookState.ACTIVE:
            raise Conflict(f"{row.name} is {row.state}: activate it first.")
        new = NewDelivery.on_request(account, webhook, event, repeats, now, now)
        await ledger.enter(db, [new], now)
        await audit.note(by, "event.sent", event, row.name)
        return await _newest(db, event, webhook)


async def _newest(db: Database, event: str, webhook: str) -> str:
    rows = await db.fetch(
        "SELECT max(seq) AS seq FROM delivery"
        " WHERE event = :event AND webhook = :webhook",
        event=event,
        webhook=webhook,
    )
    return ids.from_sequence("dlv", rows[0]["seq"])
