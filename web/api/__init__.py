"""Our own JSON API, version 1."""

from litestar.router import Router

from web import security
from web.api.contexts import ContextsController
from web.api.defaults import set_defaults, show_defaults
from web.api.deliveries import DeliveriesController
from web.api.event_types import EventTypesController, install_preset
from web.api.events import EventsController, send, send_batch
from web.api.replays import ReplaysController
from web.api.runs import RunsController
from web.api.stats import stats
from web.api.trials import TrialsController
from web.api.webhook_keys import WebhookKeysController
from web.api.webhooks import WebhooksController
from web.errors import JSON_ERRORS

_GUARDED = Router(
    path="/",
    route_handlers=[
        EventsController,
        EventTypesController,
        ContextsController,
        install_preset,
        WebhooksController,
        TrialsController,
        WebhookKeysController,
        RunsController,
        DeliveriesController,
        ReplaysController,
        show_defaults,
        set_defaults,
        stats,
    ],
    guards=[security.key_guard],
)

API = Router(
    path="/api/v1",
    # Sending looks at the key by itself: a guard would cost a fifth of the call's time,
    # because the framework copies the handler for it each time.
    route_handlers=[send, send_batch, _GUARDED],
    exception_handlers=JSON_ERRORS,
    security=[{"key": []}],
)
