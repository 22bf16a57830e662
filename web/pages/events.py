from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.accounts.actor import Actor
from callboard.catalogue import event_types
from callboard.delivery import by_hand, reading
from callboard.delivery.tables import Event
from callboard.errors import Conflict
from callboard.insight import explanation
from callboard.paging import Page
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState
from web.pages import asked, forms
from web.pages.deliveries import under_way
from web.screens import elsewhere, screen, screen_if_new
from web.security import Running


class EventsController(Controller):
    path = "/events"

    @get("/")
    async def index(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        type: FromQuery[str] = "",
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        typed, told = asked.read(request, type=type, q=q.strip(), cursor=cursor)
        cursor = typed.pop("cursor")
        found = await reading.events_page(
            account, type=typed["type"], q=typed["q"], cursor=cursor
        )
        return screen(
            request,
            "events/list.html",
            "events/_rows.html",
            page=Page([_view(row) for row in found.items], found.next),
            filter=typed,
            query=urlencode({name: text for name, text in typed.items() if text}),
            types=await event_types.listed(account),
            **told,
        )

    @get("/{id:str}")
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Response[Any]:
        return await _detail(request, account, id)

    @get("/{id:str}/deliveries")
    async def deliveries(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Response[Any]:
        """What of the page changes while deliveries are under way."""
        return await _detail(request, account, id)

    @post("/{id:str}/send")
    async def send(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        """To one webhook, whether it listens to it or not."""
        webhook = (await forms.texts(request, "webhook"))["webhook"]
        try:
            made = await by_hand.send_event(by, id, webhook)
        except Conflict as error:
            return await _detail(request, by.account, id, error)
        runtime.queue.ring()
        return elsewhere(request, f"/deliveries/{made}")


async def _detail(
    request: HTMXRequest, account: str, id: str, error: Conflict | None = None
) -> Response[Any]:
    event = await reading.get_event(account, id)
    story = await explanation.of_event(account, id)
    others = await webhooks.choices(account)
    return screen_if_new(
        request,
        "events/detail.html",
        "events/_deliveries.html",
        story,
        status=forms.status(error) if error else 200,
        event=_view(event),
        deliveries=story.deliveries,
        why=story.why,
        passed=story.passed,
        live=under_way(story.deliveries),
        webhooks=[each for each in others if each.state == WebhookState.ACTIVE],
        problems=forms.problems(error) if error else [],
    )


def _view(row: Event) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "type": row.type,
        "data": row.data,
        "sending": row.sending,
        "kind": row.kind,
        "context": msgspec.json.decode(row.context, type=list[str]),
        "occurred_at": row.occurred_at,
        "accepted_at": row.accepted_at,
        "deliveries": row.deliveries,
    }
