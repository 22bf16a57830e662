"""What a selection comes to at one time: nothing that happens later is in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from callboard import ids
from callboard.catalogue import contexts
from callboard.catalogue.tables import EventType
from callboard.database import Database
from callboard.delivery.states import FINISHED, DeliveryState
from callboard.errors import raise_all
from callboard.matching.filters import Filters
from callboard.replays import selection
from callboard.replays.selection import Selection
from callboard.replays.tables import Replay
from callboard.webhooks.settings import settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook
from callboard.webhooks.wants import wants_of

_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A selection at one time: nothing that comes later is in it. `upto`: see `Replay`.
    `names`: of event types, None for any. `filters`: of the webhook, None for missing
    events that it wants all, and for deliveries."""

    account: str
    webhook: str
    states: tuple[DeliveryState, ...]
    names: list[str] | None
    since: datetime | None
    until: datetime | None
    missing: bool
    upto: str
    at: datetime
    filters: Filters | None = None


async def of_selection(
    db: Database, account: str, wanted: Selection, keep: timedelta, now: datetime
) -> Bounds:
    """`keep`: how long events are kept. Raises Invalid with all that is wrong."""
    webhook = await Webhook.objects().get(
        (Webhook.account == account)
        & (Webhook.id == wanted.webhook)
        & (Webhook.state != WebhookState.DELETED)
    )
    types = await EventType.select(EventType.name).where(EventType.account == account)
    known = [row["name"] for row in types]
    raise_all(selection.check(wanted, webhook, known, now - keep, now))
    assert webhook is not None
    return Bounds(
        account=account,
        webhook=wanted.webhook,
        states=wanted.wanted_states,
        names=selection.names(wanted, _decode(webhook.events), known),
        since=wanted.since,
        until=wanted.until,
        missing=wanted.missing,
        upto=await _newest(db, account, wanted.webhook, wanted.missing),
        at=now,
        filters=await _filters(account, webhook.id) if wanted.missing else None,
    )


async def of_replay(row: Replay) -> Bounds:
    """With the webhook's filters of today."""
    states = _decode(row.states, type=list[DeliveryState])
    return Bounds(
        account=row.account,
        webhook=row.webhook,
        states=tuple(states) or FINISHED,
        names=_decode(row.names) if row.names else None,
        since=row.since,
        until=row.until,
        missing=row.missing,
        upto=row.upto,
        at=row.created_at,
        filters=await _filters(row.account, row.webhook) if row.missing else None,
    )


async def _newest(db: Database, account: str, webhook: str, missing: bool) -> str:
    """The id behind which everything is new."""
    if missing:
        rows = await db.fetch(
            "SELECT max(id) AS last FROM event WHERE account = :account",
            account=account,
        )
        return str(rows[0]["last"] or "")
    rows = await db.fetch(
        "SELECT max(seq) AS last FROM delivery WHERE webhook = :webhook",
        webhook=webhook,
    )
    return ids.from_sequence("dlv", rows[0]["last"] or 0)


async def _filters(account: str, webhook: str) -> Filters | None:
    row = await Webhook.objects().get(Webhook.id == webhook)
    parents = await contexts.parents(account)
    return wants_of(settings_of(row), parents).filters if row else None
