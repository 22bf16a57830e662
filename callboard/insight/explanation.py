"""Why an event went to each webhook of its account, or did not."""

from dataclasses import dataclass
from datetime import datetime

from callboard.catalogue import contexts, event_types
from callboard.delivery import reading
from callboard.delivery.reading import DeliveryView
from callboard.delivery.tables import Event
from callboard.health import plan
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
    """`why`: by the id of each delivery, as far as today's settings tell."""

    deliveries: list[DeliveryView]
    why: dict[str, str]
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
        for verdict in [wants.explain(event.type, reading.subject_of(event.to_dict()))]
    ]


async def of_delivery(account: str, delivery: DeliveryView) -> Plan:
    """By the webhook's present settings, also of one that has been deleted."""
    mine = (Webhook.account == account) & (Webhook.id == delivery.webhook)
    row = await Webhook.objects().get(mine)
    assert row is not None
    settings = settings_of(row)
    event = await reading.get_event(account, delivery.event)
    subject = reading.subject_of(event.to_dict())
    verdict = await judge(account, settings, event.type, subject)
    return Plan(_why_sent(delivery, verdict), plan.tries(row.schedule, row.delivery))


async def of_event(account: str, id: str) -> Story:
    """Of at most 200 webhooks that it went to, and 200 that it did not."""
    event = await reading.get_event(account, id)
    deliveries = await reading.of_event(account, id)
    subject = reading.subject_of(event.to_dict())
    parents = await contexts.parents(account)

    def verdict(row: Webhook) -> Verdict:
        return wants_of(settings_of(row), parents).explain(event.type, subject)

    went, passed = await _webhooks(account, {each.webhook for each in deliveries})
    verdicts = {row.id: verdict(row) for row in went}
    return Story(
        deliveries,
        {
            each.id: _why_sent(each, verdicts[each.webhook])
            for each in deliveries
            if each.webhook in verdicts
        },
        [Passed(row.id, row.name, _why(row, verdict(row), event)) for row in passed],
    )


async def _webhooks(
    account: str, went: set[str]
) -> tuple[list[Webhook], list[Webhook]]:
    """Those it went to, and the others that are not deleted; the newest first."""
    mine = Webhook.account == account
    others = mine & (Webhook.state != WebhookState.DELETED)
    found = []
    for which in (
        mine & Webhook.id.is_in([*went, ""]),
        others & Webhook.id.not_in([*went, ""]),
    ):
        rows = Webhook.objects().where(which).order_by(Webhook.id, ascending=False)
        found.append(await rows.limit(_MOST))
    return found[0], found[1]


def _why_sent(delivery: DeliveryView, verdict: Verdict) -> str:
    if delivery.repeats:
        return "Somebody sent it again."
    if not verdict.passes:
        return "It was sent by hand, or the settings have changed since."
    return verdict.why


def _why(row: Webhook, verdict: Verdict, event: Event) -> str:
    """`verdict` is by the present settings: where they have changed, it says so."""
    came = event.accepted_at
    if row.created_at > came:
        return "It was made after the event came."
    if verdict.passes and row.state == WebhookState.DRAFT:
        return "It was a draft when the event came; a draft gets nothing."
    if verdict.passes and row.state_since > came:
        return "It was not active when the event came."
    if row.changed_at > came:
        return f"{verdict.why} Its settings have changed since the event came."
    if verdict.passes:
        return f"{verdict.why} The context tags have changed since the event came."
    return verdict.why
