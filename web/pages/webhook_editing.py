"""One form makes a webhook or changes it; its preview and tests need no saving."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import members
from callboard.accounts.actor import Actor
from callboard.catalogue import event_types
from callboard.delivery import reading
from callboard.errors import Invalid
from callboard.insight import trial
from callboard.runtime import Runtime
from callboard.signing.schemes import Scheme
from callboard.webhooks import defaults, webhooks
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from web.pages import (
    forms,
    previews,
    trials,
    webhook_form,
    webhook_key_views,
    webhook_views,
)
from web.pages.filter_form import kinds_of
from web.pages.webhook_form import WebhookForm
from web.screens import elsewhere, screen
from web.security import MEMBERS, Running


class NewWebhookController(Controller):
    path = "/webhooks/new"

    @get("/", opt=MEMBERS)
    async def new(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        types = await event_types.listed(account)
        usual = await defaults.of_account(account, runtime.settings.hold_days)
        form = webhook_form.empty(types, usual)
        return await _preview(request, runtime, account, form, None)

    @post("/")
    async def create(
        self, request: HTMXRequest, by: NamedDependency[Actor], runtime: Running
    ) -> Response[Any]:
        form = await webhook_form.read(request)
        try:
            new = await previews.checked_form(
                runtime, by.account, form, None, form.to_command()
            )
        except Invalid as error:
            return await show_form(request, by.account, form, None, error)
        row, secret = await webhooks.create(
            by, new, runtime.vault, runtime.settings.allow_http
        )
        if secret is None:
            return elsewhere(request, _where_to_look(row))
        return webhook_key_views.show_new(request, row.id)

    @post("/preview")
    async def preview(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        form = await webhook_form.read(request)
        return await _preview(request, runtime, account, form, None)

    @post("/test")
    async def test(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        form = await webhook_form.read(request)
        return await _test(request, runtime, account, form, None)


class WebhookChangeController(Controller):
    path = "/webhooks/{id:str}/edit"

    @get("/", opt=MEMBERS)
    async def edit(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        row = await webhooks.get(account, id)
        types = await event_types.listed(account)
        form = webhook_form.of(settings_of(row), types)
        return await _preview(request, runtime, account, form, row)

    @post("/")
    async def change(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        row = await webhooks.get(by.account, id)
        form = await webhook_form.read(request)
        try:
            await previews.checked_form(
                runtime, by.account, form, row, form.to_command()
            )
        except Invalid as error:
            return await show_form(request, by.account, form, row, error)
        before = row.signing
        row, secret = await webhooks.change(
            by, id, form.to_change(), runtime.vault, runtime.settings.allow_http
        )
        if secret is not None:
            return webhook_key_views.show_new(request, row.id)
        if row.signing != before:
            return elsewhere(request, _where_to_look(row), "Saved.")
        return elsewhere(request, f"/webhooks/{id}?tab=settings", "Saved.")

    @post("/preview")
    async def preview(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        row = await webhooks.get(account, id)
        form = await webhook_form.read(request)
        return await _preview(request, runtime, account, form, row)

    @post("/test")
    async def test(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        row = await webhooks.get(account, id)
        form = await webhook_form.read(request)
        return await _test(request, runtime, account, form, row)


async def _preview(
    request: HTMXRequest,
    runtime: Runtime,
    account: str,
    form: WebhookForm,
    row: Webhook | None,
) -> Template:
    """The request that would be sent, or what has to be mended first."""
    if not (form.url.strip() and form.shown):
        return await show_form(request, account, form, row)
    try:
        preview = await previews.shown(runtime, account, form, row)
    except Invalid as error:
        return await show_form(request, account, form, row, error)
    return await show_form(request, account, form, row, preview=preview)


async def _test(
    request: HTMXRequest,
    runtime: Runtime,
    account: str,
    form: WebhookForm,
    row: Webhook | None,
) -> Template:
    """One button stands at each event type, one tests the type that is shown."""
    type = (await forms.texts(request, "type"))["type"] or form.shown
    part = "webhooks/_test_result.html"
    try:
        target = await previews.target(runtime, account, form, row, type)
    except Invalid as error:
        return await show_form(request, account, form, row, error, part)
    facts = await previews.facts(account, form, type, runtime.clock())
    result = await trials.send(request, runtime, target, trial.as_test(facts))
    return await show_form(request, account, form, row, part=part, result=result)


async def show_form(
    request: HTMXRequest,
    account: str,
    form: WebhookForm,
    row: Webhook | None,
    error: Invalid | None = None,
    part: str = "webhooks/_preview_live.html",
    **shown: Any,
) -> Template:
    types = await event_types.listed(account)
    return screen(
        request,
        "webhooks/form.html",
        part,
        status=422 if error else 200,
        webhook=row and webhook_views.edited(row),
        action=f"/webhooks/{row.id}/edit" if row else "/webhooks/new",
        form=form,
        types=types,
        includable=webhook_views.includable(types),
        recent=await reading.latest(account, [form.shown], 8),
        groups=webhook_form.grouped(types),
        kinds=kinds_of(types),
        members=await members.listed(account),
        retry_words=webhook_views.retry_words(form.to_command()),
        problems=error.problems if error else [],
        **{"preview": None, "result": None, "tried": None, **shown},
    )


def _where_to_look(row: Webhook) -> str:
    """The public half of a new key is what the receiver needs next."""
    is_pair = row.signing != Scheme.NONE
    return f"/webhooks/{row.id}{'?tab=keys' if is_pair else ''}"
