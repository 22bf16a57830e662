"""Who wants no more mails: about one webhook, or about all at one host.

`about` is what the link in the mail names: a webhook's id, or an account's id and a
host with a space between them.
"""

from datetime import datetime

from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.database import writing
from callboard.errors import NotFound
from callboard.webhooks.settings import as_json, settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook
from callboard.webhooks.urls import host_of


async def words_for(about: str) -> str:
    """Raises NotFound."""
    account, _, host = about.partition(" ")
    if host:
        return f"the webhooks at {host}"
    row = await Webhook.objects().get(Webhook.id == account)
    if row is None:
        raise NotFound("There is no such webhook.")
    return row.name


async def unsubscribe(about: str, address: str, now: datetime) -> None:
    """Takes an address off the recipients, where it still is among them."""
    account, _, host = about.partition(" ")
    if not host:
        await _take_off(about, address, now)
        return
    for row in await Webhook.objects().where(Webhook.account == account):
        if host_of(row.url) == host:
            await _take_off(row.id, address, now)


async def _take_off(id: str, address: str, now: datetime) -> None:
    async with writing() as db:
        row = await Webhook.objects().get(Webhook.id == id)
        if row is None or row.state == WebhookState.DELETED:
            return
        await accounts.bump(db, row.account)
        row = await Webhook.objects().get(Webhook.id == id)
        assert row is not None
        chosen = settings_of(row).recipients
        left = [each for each in chosen if each != address]
        if len(left) < len(chosen):
            kept = Webhook.update({Webhook.recipients: as_json(left)})
            await kept.where(Webhook.id == id)
            by = Actor(row.account, address, now)
            await audit.note(by, "webhook.unsubscribed", id, row.name)
