from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.delivery import by_hand, reading
from callboard.delivery.reading import DeliveryView, Filter
from callboard.delivery.states import DeliveryState
from callboard.errors import Conflict
from callboard.insight import explanation
from callboard.webhooks import webhooks
from web.pages import asked, forms, questions
from web.screens import elsewhere, screen_if_new
from web.security import MEMBERS, Running


class DeliveriesController(Controller):
    path = "/deliveries"

    @get("/")
    async def index(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        webhook: FromQuery[str] = "",
        event: FromQuery[str] = "",
        only: Annotated[str, QueryParameter(name="state")] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
        live: FromQuery[str] = "",
    ) -> Response[Any]:
        typed = {"webhook": webhook, "event": event, "state": only}
        typed |= {"since": since, "until": until}
        typed, told = asked.read(request, **typed, cursor=cursor)
        cursor = typed.pop("cursor")
        page = await reading.page(account, _filter(typed), cursor)
        return screen_if_new(
            request,
            "deliveries/list.html",
            "deliveries/_rows.html",
            page,
            page=page,
            filter=typed,
            query=urlencode({name: text for name, text in typed.items() if text}),
            webhooks=await webhooks.choices(account, webhook),
            live=bool(live),
            polls=not cursor and (bool(live) or under_way(page.items)),
            **told,
        )

    @get("/{id:str}")
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Response[Any]:
        return await _detail(request, account, id)

    @post("/{id:str}/try-now")
    async def try_now(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        try:
            await by_hand.try_now(by, id)
        except Conflict as error:
            return await _detail(request, by.account, id, error)
        runtime.queue.ring()
        return elsewhere(request, f"/deliveries/{id}")

    @get("/{id:str}/cancel", opt=MEMBERS)
    async def ask_to_cancel(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        delivery = await reading.get(account, id)
        return questions.ask(
            request,
            "deliveries",
            title="Cancel this delivery?",
            text=f"{delivery.webhook_name} is not called with it any more."
            " You can send it again later.",
            act="Cancel the delivery",
            back=f"/deliveries/{id}",
            leave="Leave it",
        )

    @post("/{id:str}/cancel")
    async def cancel(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        try:
            await by_hand.cancel(by, id)
        except Conflict as error:
            return await _detail(request, by.account, id, error)
        return elsewhere(request, f"/deliveries/{id}")

    @post("/{id:str}/replay")
    async def repeat(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        try:
            made = await by_hand.repeat(by, id)
        except Conflict as error:
            return await _detail(request, by.account, id, error)
        runtime.queue.ring()
        return elsewhere(request, f"/deliveries/{made}")


async def _detail(
    request: HTMXRequest, account: str, id: str, error: Conflict | None = None
) -> Response[Any]:
    delivery = await reading.get(account, id)
    plan = await explanation.of_delivery(account, delivery)
    return screen_if_new(
        request,
        "deliveries/detail.html",
        "deliveries/_detail.html",
        delivery,
        status=forms.status(error) if error else 200,
        delivery=delivery,
        live=under_way([delivery]),
        plan=plan.tries,
        why=plan.why,
        problems=forms.problems(error) if error else [],
    )


def under_way(deliveries: list[DeliveryView]) -> bool:
    """Something may soon come of one of them: worth looking again."""
    return any(each.state == DeliveryState.PENDING for each in deliveries)


def _filter(typed: dict[str, str]) -> Filter:
    return Filter(
        webhook=typed["webhook"] or None,
        event=typed["event"] or None,
        state=DeliveryState(typed["state"]) if typed["state"] else None,
        since=forms.time(typed["since"], "since"),
        until=forms.time(typed["until"], "until"),
    )
