"""Webhooks and what became of test calls, as templates see them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from callboard import retry, schedule
from callboard.accounts.tables import Member
from callboard.auth import certificates
from callboard.auth.settings import Auth
from callboard.catalogue import shapes as declared
from callboard.catalogue.tables import EventType
from callboard.delivery import runs, standing
from callboard.delivery.standing import Standing
from callboard.health import reading as health
from callboard.insight import neighbours
from callboard.insight.trial import Preview, Trial
from callboard.matching.verdict import Verdict
from callboard.notices import posting
from callboard.numerals import MOST_COUNTED
from callboard.payload import shapes
from callboard.retry import RetryPlan
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.tables import Webhook

View = dict[str, Any]


async def listed(rows: Sequence[Webhook]) -> list[View]:
    """`fails_since`: None where the receiver does well."""
    stands = await standing.of_webhooks(rows)
    failing = await health.failing_since([row.id for row in rows])
    return [
        _view(row, stands[row.id]) | {"fails_since": failing.get(row.id)}
        for row in rows
    ]


async def shown(row: Webhook) -> View:
    """With how its receiver does."""
    takes_until = row.state_since + timedelta(days=row.hold_days) if row.cause else None
    view = (await listed([row]))[0]
    held = view["held"] if view["held"] <= MOST_COUNTED else None
    return view | {
        "holding": await standing.of_held(row.id, held),
        "failing": await health.of_webhook(row),
        "why": health.why(row.cause),
        "takes_until": takes_until,
        "runs": await runs.timetable(row.id),
    }


async def headed(row: Webhook) -> View:
    """For members: also whom it tells, and which others fail at its host."""
    view = await shown(row)
    fails = view["failing"] or row.cause
    beside = await neighbours.failing_with(row) if fails else None
    told = await posting.tells_somebody(row)
    return view | {"tells_somebody": told, "neighbours": beside}


def edited(row: Webhook) -> View:
    """What the form has to know of the webhook as it is."""
    return {"id": row.id, "name": row.name, "auth": _auth(settings_of(row).auth)}


def rule_words(row: Webhook) -> str:
    return health.in_words(health.rule_of(row))


def retry_words(new: NewWebhook) -> str:
    """Of a plan as it was typed: nonsense in it is told elsewhere."""
    return retry.describe(RetryPlan(tuple(gap for gap in new.schedule if gap > 0)))


def schedule_words(new: NewWebhook) -> str:
    """Empty where it delivers at once."""
    return schedule.describe(new.delivery) if new.delivery else ""


async def recipients(row: Webhook, members: Sequence[Member]) -> list[View]:
    """Members who have left are passed over."""
    written = settings_of(row).recipients
    last = await posting.latest(row.id, written)
    known = {each.id: {"name": each.name, "email": each.email} for each in members}
    found = (
        (each, known.get(each) or ({"name": "", "email": each} if "@" in each else {}))
        for each in written
    )
    return [person | {"last": last.get(each)} for each, person in found if person]


def previewed(
    preview: Preview, placeholders: list[tuple[str, str]], verdict: Verdict
) -> View:
    """`problem`: why it could not be sent; then the URL is as it was written.
    `verdict`: whether the filters let the event pass."""
    return {
        "passes": verdict.passes,
        "why": verdict.why,
        "request": sent(preview),
        "problem": preview.call.problem,
        "placeholders": placeholders,
    }


def includable(types: Sequence[EventType]) -> list[str]:
    """What any event type leaves out unless it is asked for."""
    found = [declared.read(type.placeholders, type.fields) for type in types]
    return sorted(shapes.includable(found))


def sent(preview: Preview) -> View:
    call = preview.call
    return {
        "method": call.method,
        "url": call.url,
        "headers": preview.headers,
        "body": call.body,
    }


def result(trial: Trial, type: str) -> View:
    outcome = trial.outcome
    return {
        "type": type,
        "passed": trial.passed,
        "status": outcome.status,
        "error": outcome.error,
        "detail": outcome.detail,
        "seconds": outcome.seconds,
        "phases_ms": outcome.phases_ms,
        "request": sent(trial.preview),
        "response": {
            "headers": outcome.headers,
            "body": outcome.body,
            "truncated": outcome.truncated,
        },
    }


def _auth(auth: Auth) -> View:
    """`certificate` as people can tell it; no secrets."""
    text = auth.shown.get("certificate")
    certificate = certificates.describe(text) if text else None
    return {"type": auth.type} | auth.shown | {"certificate": certificate}


def _view(row: Webhook, stands: Standing) -> View:
    settings = settings_of(row)
    last = {
        "at": stands.last_at,
        "state": stands.last_state,
        "tries": stands.last_tries,
    }
    return asdict(settings) | {
        "id": row.id,
        "method": row.method,
        "state": row.state,
        "state_since": row.state_since,
        "cause": row.cause,
        "created_at": row.created_at,
        "auth": _auth(settings.auth),
        "events": list(settings.events),
        "held": MOST_COUNTED + 1 if stands.held is None else stands.held,
        "last_delivery": last if stands.last_at else None,
    }
