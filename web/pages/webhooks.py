from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.catalogue import event_types
from callboard.delivery import reading
from callboard.delivery.calls.targets import read_target
from callboard.delivery.reading import Filter
from callboard.delivery.states import DeliveryState
from callboard.errors import Invalid
from callboard.insight import overview, trial, troubles
from callboard.paging import Page
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import settings_of
from callboard.webhooks.states import WebhookState
from web.pages import (
    asked,
    forms,
    questions,
    trials,
    webhook_key_views,
    webhook_tabs,
    webhook_views,
)
from web.pages.deliveries import under_way
from web.screens import elsewhere, mark_of, screen, screen_if_new
from web.security import MEMBERS, Running

_HELD: dict[str, Literal["deliver", "discard"]] = {
    "deliver": "deliver",
    "discard": "discard",
}


class WebhooksController(Controller):
    path = "/webhooks"

    @get("/")
    async def index(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Template:
        left, told = asked.read(request, cursor=cursor)
        found = await webhooks.page(account, left["cursor"], q.strip())
        ids = [row.id for row in found.items]
        return screen(
            request,
            "webhooks/list.html",
            "webhooks/_rows.html",
            page=Page(await webhook_views.listed(found.items), found.next),
            bars=await overview.bars_of(account, ids, runtime.clock()),
            troubles=[] if left["cursor"] else await troubles.of_hosts(account),
            q=q.strip(),
            **told,
        )

    @get("/{id:str}")
    async def show(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
        tab: FromQuery[str] = "deliveries",
        language: FromQuery[str] = "",
        only: Annotated[str, QueryParameter(name="state")] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        row = await webhooks.get(account, id)
        left, told = asked.read(request, state=only, cursor=cursor)
        state = DeliveryState(left["state"]) if left["state"] else None
        wanted = Filter(webhook=id, state=state)
        page = await reading.page(account, wanted, left["cursor"])
        context = await webhook_tabs.shared(row, runtime) | told
        context |= {"tab": tab, "state": left["state"], "page": page}
        if tab == "verify":
            context |= webhook_key_views.checking(row, runtime.clock(), language)
        is_live = row.state == WebhookState.ACTIVE or under_way(page.items)
        return screen_if_new(
            request,
            "webhooks/detail.html",
            "webhooks/_deliveries.html",
            page,
            polls=is_live and not left["cursor"],
            **context,
        )

    @get("/{id:str}/header")
    async def header(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Response[Any]:
        """The part that follows the webhook's state and what is held."""
        webhook = await webhook_views.headed(await webhooks.get(account, id))
        part, mark = "webhooks/_header.html", mark_of(webhook)
        return screen_if_new(
            request, part, part, webhook, webhook=webhook, header_mark=mark
        )

    @post("/{id:str}/test")
    async def test(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        """One real call; it counts for nothing. Without a `type`, with one it gets."""
        type = (await forms.texts(request, "type"))["type"]
        row = await webhooks.get(account, id)
        wanted = settings_of(row).events
        type = type or await event_types.first_wanted(account, wanted) or ""
        target = await read_target(row, runtime.vault)
        facts = await trial.sample_of(account, type, runtime.clock())
        result = await trials.send(request, runtime, target, facts)
        context = await webhook_tabs.shared(row, runtime)
        context |= {"tab": "test", "shown": type, "result": result}
        return screen(
            request, "webhooks/detail.html", "webhooks/_test_result.html", **context
        )

    @get("/{id:str}/activate", opt=MEMBERS)
    async def ask_to_activate(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        return await _ask(request, account, id, "activate")

    @post("/{id:str}/activate")
    async def activate(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        """Asks back when something is held and nobody said what becomes of it."""
        held = (await forms.texts(request, "held"))["held"]
        try:
            await lifecycle.activate(by, id, _HELD.get(held))
        except Invalid:
            return await _ask(request, by.account, id, "activate", status=422)
        runtime.queue.ring()
        return elsewhere(request, f"/webhooks/{id}")

    @post("/{id:str}/pause")
    async def pause(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        await lifecycle.pause(by, id)
        return elsewhere(request, f"/webhooks/{id}")

    @get("/{id:str}/deactivate", opt=MEMBERS)
    async def ask_to_deactivate(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        row = await webhooks.get(account, id)
        return questions.ask(
            request,
            "webhooks",
            title=f"Deactivate {row.name}?",
            text="No more calls go out to it. What comes until you activate it"
            f" again is held, each delivery for {row.hold_days} days.",
            act="Deactivate the webhook",
            back=f"/webhooks/{id}",
            leave="Leave it as it is",
        )

    @post("/{id:str}/deactivate")
    async def deactivate(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        await lifecycle.deactivate(by, id)
        return elsewhere(request, f"/webhooks/{id}")

    @get("/{id:str}/delete", opt=MEMBERS)
    async def ask_to_delete(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        return await _ask(request, account, id, "confirm_delete")

    @post("/{id:str}/delete")
    async def delete(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        row = await webhooks.get(by.account, id)
        await lifecycle.delete(by, id)
        return elsewhere(request, "/webhooks", f"{row.name} was deleted.")


async def _ask(
    request: HTMXRequest, account: str, id: str, name: str, status: int = 200
) -> Template:
    webhook = await webhook_views.shown(await webhooks.get(account, id))
    page, part = f"webhooks/{name}.html", f"webhooks/_{name}.html"
    return screen(request, page, part, status=status, webhook=webhook)
