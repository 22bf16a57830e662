"""Client certificates that end soon or have ended, and who hears of it: once a month
before, once a week before, and once when it is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from callboard.auth import certificates
from callboard.database import Clock, writing
from callboard.notices import posting
from callboard.notices.letters import Facts
from callboard.webhooks.settings import settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_WEEK = timedelta(days=7)
_CALLING = (WebhookState.ACTIVE, WebhookState.PAUSED, WebhookState.DEACTIVATED)


@dataclass(frozen=True, slots=True)
class Ending:
    webhook: Webhook
    ends_at: datetime

    def is_over(self, now: datetime) -> bool:
        return self.ends_at <= now


async def endings(now: datetime, account: str | None = None) -> list[Ending]:
    """Of webhooks that are no drafts, of all accounts or one; the earliest first."""
    where = Webhook.auth.like('%"mtls"%') & Webhook.state.is_in(list(_CALLING))
    if account is not None:
        where &= Webhook.account == account
    found = [Ending(row, _end(row)) for row in await Webhook.objects().where(where)]
    soon = [each for each in found if each.ends_at - now < certificates.ENDS_SOON]
    return sorted(soon, key=lambda each: each.ends_at)


async def tell(clock: Clock) -> None:
    """May be done any number of times: each occasion is told once."""
    now = clock()
    for each in await endings(now):
        if each.ends_at < now - _WEEK:  # what was told may be forgotten by now
            continue
        row = each.webhook
        facts = Facts(name=row.name, url=row.url, certificate_ends=each.ends_at)
        async with writing() as db:
            await posting.post(db, row, "certificate", _occasion(each, now), facts, now)


def sentences(found: Sequence[Ending], now: datetime) -> list[str]:
    return [
        f"The client certificate of {each.webhook.name} ({each.webhook.id})"
        f" {'ended' if each.is_over(now) else 'ends'} on {each.ends_at:%d %b %Y}:"
        " bring a new one."
        for each in found
    ]


def _occasion(ending: Ending, now: datetime) -> str:
    """Another certificate is another occasion."""
    left = ending.ends_at - now
    stage = "over" if ending.is_over(now) else "week" if left <= _WEEK else "month"
    return f"{stage} {ending.ends_at:%Y-%m-%d %H:%M:%S}"


def _end(row: Webhook) -> datetime:
    return _end_of(settings_of(row).auth.shown["certificate"])


@lru_cache(maxsize=1000)
def _end_of(chain: str) -> datetime:
    return certificates.describe(chain).ends_at
