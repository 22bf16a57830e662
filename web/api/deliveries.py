from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from callboard.accounts.actor import Actor
from callboard.delivery import by_hand, reading
from web.api import queries
from web.api.delivery_shapes import (
    AttemptOut,
    DeliveriesAsked,
    DeliveryLine,
    DeliveryOut,
)
from web.api.shapes import Paged
from web.errors import AnyRequest
from web.security import Running


class DeliveriesController(Controller):
    path = "/deliveries"
    tags = ("Deliveries",)

    @get("/", opt={"asks": DeliveriesAsked})
    async def list_deliveries(
        self, request: AnyRequest, account: NamedDependency[str]
    ) -> Paged[DeliveryLine]:
        """Newest first; since and until look at when they were made."""
        asked = queries.take(request, DeliveriesAsked)
        wanted = asked.to_filter()
        page = await reading.page(account, wanted, asked.cursor, asked.limit)
        return Paged([DeliveryLine.of(view) for view in page.items], page.next)

    @get("/{id:str}")
    async def show(
        self, account: NamedDependency[str], id: FromPath[str]
    ) -> DeliveryOut:
        """With its attempts; secrets in their headers are masked."""
        return await shown(account, id)

    @post("/{id:str}/replay")
    async def repeat(
        self, by: NamedDependency[Actor], runtime: Running, id: FromPath[str]
    ) -> DeliveryOut:
        """A new delivery of the same event; 409 while this one is not finished."""
        new = await by_hand.repeat(by, id)
        runtime.queue.ring()
        return await shown(by.account, new)

    @post("/{id:str}/cancel", status_code=200)
    async def cancel(
        self, by: NamedDependency[Actor], id: FromPath[str]
    ) -> DeliveryOut:
        """409 when it is under way or finished."""
        await by_hand.cancel(by, id)
        return await shown(by.account, id)


async def shown(account: str, id: str) -> DeliveryOut:
    view = await reading.get(account, id)
    attempts = [AttemptOut.of(attempt) for attempt in view.attempts]
    return DeliveryOut.of(view, attempts=attempts)
