"""A body for each call that people begin with, as the API's page shows them."""

from typing import Any

from web.api.contexts import TreeIn
from web.api.event_shapes import BatchIn, EventIn
from web.api.event_type_shapes import EventTypeIn
from web.api.replay_shapes import ReplayIn
from web.api.webhook_shapes import WebhookIn, WebhookPatch

_EVENT = {"type": "contact.created", "id": "c-42", "data": {"id": 42}}

EXAMPLES: dict[type, dict[str, Any]] = {
    EventIn: _EVENT,
    BatchIn: {"events": [_EVENT]},
    EventTypeIn: {
        "name": "contact.created",
        "sample": {"id": 42},
        "placeholders": {"contactNumber": "data.id"},
    },
    WebhookIn: {
        "url": "https://crm.example.org/hooks",
        "events": ["contact.*"],
        "state": "active",
    },
    WebhookPatch: {"timeout": 10, "rate_per_second": 20},
    TreeIn: {"tags": [{"tag": "region"}, {"tag": "region.7", "parent": "region"}]},
    ReplayIn: {"webhook": "wh_…", "states": ["failed"], "dry_run": True},
}
