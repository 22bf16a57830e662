from asyncio import TaskGroup
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard import numerals
from callboard.accounts import keys
from callboard.catalogue import event_types
from callboard.delivery import reading
from callboard.insight import overview, troubles
from callboard.insight.overview import WebhookFigures
from callboard.runtime import Runtime
from callboard.upkeep import expiring, readiness
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState
from web.pages import forms
from web.screens import screen_if_new
from web.security import Running

_DAY = timedelta(hours=24)
_MOST = 5


@get("/")
async def show(
    request: HTMXRequest, account: NamedDependency[str], runtime: Running
) -> Response[Any]:
    """The way to the first delivery, and what is going on."""
    context = await _going_on(account, runtime) | await _first_steps(account, runtime)
    return screen_if_new(
        request, "overview.html", "overview/_all.html", context, **context
    )


async def _going_on(account: str, runtime: Runtime) -> dict[str, Any]:
    now = runtime.clock()
    # These two read a whole day of all webhooks: side by side.
    async with TaskGroup() as beside:
        figures = beside.create_task(overview.figures(account, now))
        busiest = beside.create_task(overview.by_webhook(account, now - _DAY))
    found = busiest.result()
    worst = sorted(found, key=lambda each: each.failed + each.tried_again, reverse=True)
    bad = [each for each in worst if each.failed + each.tried_again]
    waited = await readiness.waited(account, now)
    events = await overview.count_events(account, now - _DAY)
    return {
        "needs_you": await troubles.needs_you(account),
        "endings": await expiring.endings(now, account),
        "events": events,
        "more_events": events >= numerals.MOST_COUNTED,
        "figures": figures.result(),
        "latency": await overview.latency(account),
        "oldest_due": waited.total_seconds(),
        "busiest": await _named(account, found[:_MOST]),
        "trouble": await _named(account, bad[:_MOST]),
    }


async def _named(account: str, found: list[WebhookFigures]) -> list[dict[str, Any]]:
    names = await webhooks.names(account, [each.webhook for each in found])
    return [asdict(each) | {"name": names.get(each.webhook, "")} for each in found]


async def _first_steps(account: str, runtime: Runtime) -> dict[str, Any]:
    types = await event_types.listed(account)
    states = await webhooks.states(account)
    used = [key for key in await keys.listed(account) if not key.revoked_at]
    events = await reading.events_page(account, limit=1)
    example = types[0] if types else None
    active = bool(states - {WebhookState.DRAFT})
    return {
        "begun": (active and bool(events.items))
        or await overview.has_delivered(account),
        "steps": {
            "catalogue": bool(types),
            "webhook": bool(states),
            "active": active,
            "key": bool(used),
            "event": bool(events.items),
        },
        "public_url": runtime.settings.public_url,
        "example": {
            "type": example.name if example else "contact.created",
            "data": forms.compact(event_types.sample_of(example)) if example else "{}",
        },
    }
