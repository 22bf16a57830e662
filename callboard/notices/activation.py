"""What the link in a mail does: it activates the webhook, or makes a test call.

Nobody signs in for it. It is good for the one spell that the mail told of.
"""

from datetime import datetime
from typing import Literal

from callboard.accounts import accounts
from callboard.accounts.actor import Actor
from callboard.database import writing
from callboard.errors import LimitReached, NotFound
from callboard.health import reading as health
from callboard.health import watch
from callboard.health.tables import Health
from callboard.notices.links import Links
from callboard.webhooks import lifecycle
from callboard.webhooks.tables import Webhook

MOST_TESTS = 5
_LINK = "the link in a mail"  # as the audit log calls who came by it


class Over(Exception):
    """The link was good once; its spell is over."""


async def behind_link(links: Links, token: str) -> Webhook:
    """The webhook that the link activates. Raises NotFound for what we did not sign,
    Over when there is nothing left to activate."""
    found = links.read_activate(token)
    if found is None:
        raise NotFound("This link cannot be read.")
    webhook, spell = found
    row = await Webhook.objects().get(Webhook.id == webhook)
    stands = await Health.objects().get(Health.webhook == webhook)
    since = stands.since if stands else None
    if row is None or not row.cause or since is None:
        raise Over
    if health.spell_of(since) != spell:
        raise Over
    return row


async def activate(
    links: Links, token: str, held: Literal["deliver", "discard"], now: datetime
) -> Webhook:
    """Uses up all links of the spell. Raises as `behind_link` does, and Conflict."""
    async with writing() as db:
        row = await behind_link(links, token)
        await accounts.bump(db, row.account)  # of two callers one comes first
        row = await behind_link(links, token)
        return await lifecycle.activate(Actor(row.account, _LINK, now), row.id, held)


async def count_test(webhook: str) -> None:
    """Raises LimitReached when there were enough in this spell."""
    async with writing() as db:
        if not await watch.count_test(db, webhook, MOST_TESTS):
            text = f"All {MOST_TESTS} test calls of this link were made."
            raise LimitReached(text)


async def tests_left(webhook: str) -> int:
    found = await Health.objects().get(Health.webhook == webhook)
    return max(MOST_TESTS - found.tests, 0) if found else 0
