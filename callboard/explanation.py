"""Why an event went to each webhook of its account, or did not."""

from dataclasses import dataclass
from datetime import datetime

from callboard.catalogue import contexts, event_types
from callboard.delivery import reading
from callboard.delivery.reading import DeliveryView
from callboard.delivery.tables import Event
from callboard.matching.explain import in_state
from callboard.matching.patterns import compile_patterns
from callboard.matching.subject import Subject
from callboard.matching.verdict import Verdict
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook
from callboard.webhooks.wants import wants_of

LATEST = 20

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
class Tried:
    """An event held against settings: would it pass, and why?"""

    event: str
    type: str
    accepted_at: datetime
    passes: bool
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Why a delivery goes to its webhook, and how many tries its plan has."""

    why: str
    tries: int


async def judge(
    account: str, settings: NewWebhook, type: str, subject: Subject
) -> Verdict:
    """By settings that need not be saved."""
    wants = wants_of(settings, await contexts.parents(account))
    return wants.explain(type, subject)


async def of_latest(account: str, settings: NewWebhook) -> list[Tried]:
    """What would become of the latest events of the types that it listens to."""
    patterns = compile_patterns(settings.events)
    types = [each.name for each in await event_types.listed(account)]
    heard = [name for name in types if patterns.matches(name)]
    wants = wants_of(settings, await contexts.parents(account))
    return [
        Tried(event.id, event.type, event.accepted_at, verdict.passes, verdict.why)
        for event in await reading.latest(account, heard, LATEST)
        for verdict in [wants.explain(event.type, reading.subject_of(event))]
    ]


async def of_delivery(account: str, delivery: DeliveryView) -> Plan:
    """By the webhook's present settings, also of one that has been deleted."""
    mine = (Webhook.account == account) & (Webhook.id == delivery.webhook)
    row = await Webhook.objects().get(mine)
    assert row is not None
    settings = settings_of(row)
    tries = len(settings.schedule) + 1
    if delivery.repeats:
        return Plan("Somebody sent it again.", tries)
    event = await reading.get_event(account, delivery.event)
    subject = reading.subject_of(event)
    verdict = await judge(account, settings, event.type, subject)
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
    parents = await contexts.parents(account)
    subject = reading.subject_of(event)
    passed = []
    for row in rows:
        verdict = wants_of(settings_of(row), parents).explain(event.type, subject)
        passed.append(Passed(row.id, row.name, _why(row, verdict, event)))
    return Story(deliveries, passed)


def _why(row: Webhook, verdict: Verdict, event: Event) -> str:
    """`verdict` is by the present settings: where they have changed, it says so."""
    came = event.accepted_at
    if row.created_at > came:
        return in_state(verdict, None).why
    if verdict.passes and row.state == WebhookState.DRAFT:
        return in_state(verdict, row.state).why
    if verdict.passes and row.state_since > came:
        return "It was not active when the event came."
    if row.changed_at > came:
        return f"{verdict.why} Its settings have changed since the event came."
    if verdict.passes:
        return f"{verdict.why} The context tags have changed since the event came."
    return verdict.why
