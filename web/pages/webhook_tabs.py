"""The page of one webhook: what all of its tabs show."""

from typing import Any

from callboard.accounts import members
from callboard.catalogue import event_types
from callboard.runtime import Runtime
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from web.pages import webhook_facts, webhook_key_views, webhook_views
from web.screens import mark_of


async def shared(row: Webhook, runtime: Runtime) -> dict[str, Any]:
    """What all tabs need; `page` and `tab` come from the handler."""
    now, settings = runtime.clock(), settings_of(row)
    people = await members.listed(row.account)
    types = await event_types.listed(row.account)
    webhook = await webhook_views.headed(row)
    bars = await webhook_facts.bars_of(row, now)
    return {
        "webhook": webhook,
        "header_mark": mark_of(webhook),
        "bars": bars,
        "facts_mark": webhook_facts.mark(webhook, bars),
        "retry_words": webhook_views.retry_words(settings),
        "schedule_words": webhook_views.schedule_words(settings),
        "rule_words": webhook_views.rule_words(row),
        "sends": runtime.settings.smtp_url is not None,
        "recipients": await webhook_views.recipients(row, people),
        "signing": webhook_key_views.signing(row, now),
        "rotation": {"overlap_hours": "24", "secret": ""},
        "types": types,
        "shown": await event_types.first_wanted(row.account, settings.events),
        "result": None,
        "problems": [],
        "state": "",
    }
