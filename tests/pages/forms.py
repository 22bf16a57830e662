"""The form of a webhook as a person sends it, and what came of it."""

from typing import Any

from callboard.webhooks.tables import Webhook
from tests.engine import TYPE

FORM: dict[str, Any] = {
    "url": "https://receiver.example/contacts",
    "events": [TYPE],
    "patterns": "",
    "signing_scheme": "standard",
    "signing_secret": "",
    "recipients": [],
    "addresses": "",
    "name": "CRM sync",
    "app": "",
    "headers": "",
    "success": "2xx",
    "retry_schedule": "120, 480",
    "timeout": "15",
    "rate_per_second": "",
    "concurrency": "10",
    "hold_days": "5",
    "deactivate_after": "1",
    "notify": ["failing", "deactivated", "reminder", "recovered"],
    "shown": TYPE,
}


async def only() -> Webhook:
    (row,) = await Webhook.objects()
    return row
