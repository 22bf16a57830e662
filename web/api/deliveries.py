from datetime import datetime
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from callboard.accounts.actor import Actor
from callboard.delivery import by_hand, reading
from callboard.delivery.states import DeliveryState
from callboard.errors import invalid
from callboard.paging import check_limit
from web.api.delivery_shapes import AttemptOut, DeliveryLine, DeliveryOut
from web.api.shapes import Paged, utc
from web.security import Running


class DeliveriesController(Controller):
    path = "/deliveries"
    tags = ("Deliveries",)

    @get("/")
    async def list_deliveries(
        self,
        account: NamedDependency[str],
        webhook: FromQuery[str | None] = None,
        event: FromQuery[str | None] = None,
        only: Annotated[str | None, QueryParameter(name="state")] = None,
        since: FromQuery[datetime | None] = None,
        until: FromQuery[datetime | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> Paged[DeliveryLine]:
        """Newest first; since and until look at when they were made."""
        check_limit(limit)
        wanted = reading.Filter(
            webhook=webhook,
            event=event,
            state=_state(only),
            since=utc(since, "since"),
            until=utc(until, "until"),
        )
        page = await reading.page(account, wanted, cursor, limit)
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


def _state(text: str | None) -> DeliveryState | None:
    if text is None or text in set(DeliveryState):
        return DeliveryState(text) if text else None
    raise invalid("state", "unknown", f"Use one of {', '.join(DeliveryState)}.")
