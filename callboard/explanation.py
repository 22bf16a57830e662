"""Why an event went to each webhook of its account, or did not."""

from dataclasses import dataclass

import msgspec

from callboard.delivery import reading
from callboard.delivery.reading import DeliveryView
from callboard.delivery.tables import Event
from callboard.matching.explain import explain_events, in_state
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_MOST = 200


@dataclass(frozen=True, slots=True)
class Passed:
    """A webhook that the event did not go to, and why, in a sentence."""

    webhook: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    deliveries: list[DeliveryView]
    passed: list[Passed]


@dataclass(frozen=True, slots=True)
class Plan:
    """Why a delivery goes to its webhook, and how many tries its plan has."""

    why: str
    tries: int


async def of_delivery(account: str, delivery: DeliveryView) -> Plan:
    """By the webhook's present settings, also of one that has been deleted."""
    mine = (Webhook.account == account) & (Webhook.id == delivery.webhook)
    row = await Webhook.objects().get(mine)
    assert row is not None
    tries = len(msgspec.json.decode(row.schedule, type=list[int])) + 1
    if delivery.repeats:
        return Plan("Somebody sent it again.", tries)
    listens = msgspec.json.decode(row.events, type=list[str])
    verdict = explain_events(listens, delivery.type)
    if not verdict.passes:
        return Plan("It was sent by hand, or the settings have changed since.", tries)
    return Plan(verdict.why, tries)


async def of_event(account: str, id: str) -> Story:
    """Of at most 200 webhooks that were passed over, the newest first."""
    event = await reading.get_event(account, id)
    deliveries = await reading.of_event(account, id)
    rows = (
        await Webhook.objects()
        .where(
            Webhook.account == account,
            Webhook.state != WebhookState.DELETED,
            Webhook.id.not_in([each.webhook for each in deliveries] or [""]),
        )
        .order_by(Webhook.id, ascending=False)
        .limit(_MOST)
    )
    return Story(deliveries, [Passed(r.id, r.name, _why(r, event)) for r in rows])


def _why(row: Webhook, event: Event) -> str:
    """By the present settings: where they have changed since, it says so."""
    listens = msgspec.json.decode(row.events, type=list[str])
    came = event.accepted_at
    verdict = explain_events(listens, event.type)
    if row.created_at > came:
        return in_state(verdict, None).why
    if verdict.passes and row.state == WebhookState.DRAFT:
        return in_state(verdict, row.state).why
    if verdict.passes and row.state_since > came:
        return "It was not active when the event came."
    if row.changed_at > came:
        return f"{verdict.why} Its settings have changed since the event came."
    return verdict.why
