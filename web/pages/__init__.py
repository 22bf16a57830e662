"""The pages: everything that belongs to this surface hangs on its router."""

from litestar.datastructures import ResponseHeader
from litestar.plugins.htmx import HTMXRequest
from litestar.router import Router
from litestar.types import ControllerRouterHandler

from callboard.config import Settings
from web import cross_site, security
from web.errors import HTML_ERRORS
from web.pages import (
    api_keys,
    audit,
    catalogue,
    contexts,
    defaults,
    deliveries,
    events,
    filter_tester,
    forgotten,
    mail_links,
    members,
    outbox,
    overview,
    replays,
    runs,
    sessions,
    setup,
    sign_in,
    strip,
    webhook_editing,
    webhook_facts,
    webhook_keys,
    webhooks,
)
from web.screens import look_for_trouble
from web.short_forms import ShortForms

CONTROLLERS: list[ControllerRouterHandler] = [
    setup.SetupController,
    setup.InvitationController,
    mail_links.ActivationController,
    mail_links.UnsubscribeController,
    sign_in.show_login,
    sign_in.sign_in,
    sign_in.sign_out,
    forgotten.ForgottenController,
    strip.show_strip,
    overview.show,
    webhooks.WebhooksController,
    webhook_keys.WebhookKeysController,
    webhook_facts.show_facts,
    runs.run_now,
    webhook_editing.NewWebhookController,
    webhook_editing.WebhookChangeController,
    filter_tester.NewTesterController,
    filter_tester.TesterController,
    contexts.ContextsController,
    events.EventsController,
    deliveries.DeliveriesController,
    replays.ReplaysController,
    catalogue.CatalogueController,
    members.MembersController,
    api_keys.KeysController,
    defaults.DefaultsController,
    outbox.OutboxController,
    audit.show_audit,
    sessions.SessionsController,
    sessions.change_name,
    sessions.change_password,
]


def make_router(settings: Settings) -> Router:
    return Router(
        path="/",
        route_handlers=CONTROLLERS,
        request_class=HTMXRequest,
        guards=[cross_site.own_pages_guard, security.session_guard],
        before_request=look_for_trouble,
        middleware=[ShortForms, cross_site.forms_token(settings)],
        exception_handlers=HTML_ERRORS,
        response_headers=[
            ResponseHeader(name=name, value=value)
            for name, value in security.SECURITY_HEADERS.items()
        ],
        include_in_schema=False,
    )
