"""While a webhook's filters are written: which of the latest events would pass?"""

from dataclasses import replace

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from callboard.errors import Invalid
from callboard.insight import explanation
from callboard.matching.filters import check_filters
from callboard.webhooks import webhooks
from callboard.webhooks.settings import filters_of
from callboard.webhooks.tables import Webhook
from web.pages import webhook_form
from web.pages.webhook_editing import show_form

_PART = "webhooks/_tester_live.html"


class NewTesterController(Controller):
    path = "/webhooks/new/tester"

    @post("/")
    async def try_new(
        self, request: HTMXRequest, account: NamedDependency[str]
    ) -> Template:
        return await _try(request, account, None)


class TesterController(Controller):
    path = "/webhooks/{id:str}/edit/tester"

    @post("/")
    async def try_changed(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        return await _try(request, account, await webhooks.get(account, id))


async def _try(request: HTMXRequest, account: str, row: Webhook | None) -> Template:
    """What else is written in the form need not be right yet."""
    form = await webhook_form.read(request)
    new = form.to_command()
    found = map(form.filters.place, check_filters(filters_of(new)))
    if problems := [*form.filters.problems(), *found]:
        return await show_form(request, account, form, row, Invalid(problems), _PART)
    tried = await explanation.of_latest(
        account, new if new.events else replace(new, events=("*",))
    )
    return await show_form(request, account, form, row, part=_PART, tried=tried)
