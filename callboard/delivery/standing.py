"""How things stand between webhooks and events, beside the deliveries themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from callboard.database import reading
from callboard.delivery.tables import Event
from callboard.matching.explain import explain, explain_events
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_MOST_REASONS = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """`held`: what waits for a webhook that is not active, or still is on its way."""

    held: int = 0
    last_at: datetime | None = None
    last_state: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a webhook did not get an event."""

    webhook: str
    name: str
    why: str


async def of_webhooks(webhooks: Sequence[Webhook]) -> dict[str, Standing]:
    """By id, in two statements however many there are."""
    ids = [webhook.id for webhook in webhooks]
    stopped = [w.id for w in webhooks if w.state != WebhookState.ACTIVE]
    async with reading() as db:
        held = await db.fetch(
            """
            SELECT webhook, count(*) AS held FROM delivery
            WHERE webhook = ANY(:ids) AND (state = 'held'
               OR state = 'pending' AND webhook = ANY(:stopped))
            GROUP BY webhook
            """,
            ids=ids,
            stopped=stopped,
        )
        # The inner look-ups each read one entry of the index on (webhook, seq).
        last = await db.fetch(
            """
            SELECT webhook, state, coalesce(finished_at, created_at) AS at
            FROM delivery WHERE seq IN (
                SELECT (SELECT max(d.seq) FROM delivery d WHERE d.webhook = w.id)
                FROM webhook w WHERE w.id = ANY(:ids))
            """,
            ids=ids,
        )
    counts = {row["webhook"]: row["held"] for row in held}
    lasts = {row["webhook"]: (row["at"], row["state"]) for row in last}
    return {id: Standing(counts.get(id, 0), *lasts.get(id, (None, None))) for id in ids}


async def not_wanted(event: Event, wanted_by: Collection[str]) -> list[Reason]:
    """For each webhook without a delivery of the event, newest first: why."""
    others = Webhook.objects().where(
        Webhook.account == event.account, Webhook.state != WebhookState.DELETED
    )
    if wanted_by:
        others = others.where(Webhook.id.not_in(list(wanted_by)))
    rows = await others.order_by(Webhook.id, ascending=False).limit(_MOST_REASONS)
    return [Reason(row.id, row.name, _why(row, event)) for row in rows]


def _why(webhook: Webhook, event: Event) -> str:
    """Its states of then are not kept, but what got nothing was a draft, or changed."""
    events = msgspec.json.decode(webhook.events, type=list[str])
    if webhook.created_at > event.accepted_at:
        return explain(events, None, event.type).why
    verdict = explain_events(events, event.type)
    if not verdict.passes:
        return verdict.why
    if webhook.state == WebhookState.DRAFT or webhook.state_since > event.accepted_at:
        return explain(events, WebhookState.DRAFT, event.type).why
    return "It was changed after the event came, and listens to it since."
