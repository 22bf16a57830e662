"""The side of a webhook's page: how its last day went, kept up to date."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.insight import overview
from callboard.insight.overview import Bar
from callboard.webhooks import webhooks
from callboard.webhooks.tables import Webhook
from web.pages import webhook_views
from web.screens import mark_of, screen_if_new
from web.security import Running


@get("/webhooks/{id:str}/facts")
async def show_facts(
    request: HTMXRequest,
    account: NamedDependency[str],
    runtime: Running,
    id: FromPath[str],
) -> Response[Any]:
    row = await webhooks.get(account, id)
    (webhook,) = await webhook_views.listed([row])
    bars = await bars_of(row, runtime.clock())
    part, seen = "webhooks/_facts.html", mark(webhook, bars)
    shown = {"webhook": webhook, "bars": bars, "facts_mark": seen}
    return screen_if_new(request, part, part, _told(webhook, bars), **shown)


async def bars_of(row: Webhook, now: datetime) -> list[Bar]:
    """Of the last 24 hours."""
    return (await overview.bars_of(row.account, [row.id], now))[row.id]


def mark(webhook: webhook_views.View, bars: Sequence[Bar]) -> str:
    """With which the part asks whether there is anything new."""
    return mark_of(_told(webhook, bars))


def _told(webhook: webhook_views.View, bars: Sequence[Bar]) -> object:
    return webhook["last_delivery"], bars
