from typing import Any

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from callboard.accounts.actor import Actor
from callboard.catalogue import event_types, new_types
from callboard.errors import raise_all
from web.api import bodies, queries
from web.api.event_type_shapes import (
    EventTypeChangeIn,
    EventTypeIn,
    EventTypeOut,
    InstalledOut,
)
from web.api.queries import Searched
from web.api.shapes import Paged
from web.errors import AnyRequest


class EventTypesController(Controller):
    path = "/event-types"
    tags = ("Event types",)

    @get("/", opt={"asks": Searched})
    async def list_types(
        self, request: AnyRequest, account: NamedDependency[str]
    ) -> Paged[EventTypeOut]:
        """The catalogue, by name; q is looked for in names and descriptions."""
        asked = queries.take(request, Searched)
        page = await event_types.page(account, asked.cursor, asked.q, asked.limit)
        return Paged([EventTypeOut.of(row) for row in page.items], page.next)

    @post("/", opt={"takes": EventTypeIn})
    async def create(
        self, request: AnyRequest, by: NamedDependency[Actor]
    ) -> EventTypeOut:

        async def judge(new: EventTypeIn) -> None:
            raise_all(new_types.check(new.to_command()))

        new = await bodies.take_judged(request, EventTypeIn, judge, {"name": ""})
        row = await event_types.create(by, new.to_command())
        return EventTypeOut.of(row)

    @get("/{name:str}")
    async def show(
        self, account: NamedDependency[str], name: FromPath[str]
    ) -> EventTypeOut:
        return EventTypeOut.of(await event_types.get(account, name))

    @put("/{name:str}", opt={"takes": EventTypeChangeIn})
    async def change(
        self, request: AnyRequest, by: NamedDependency[Actor], name: FromPath[str]
    ) -> EventTypeOut:
        """Replaces everything but the name."""

        async def judge(new: EventTypeChangeIn) -> None:
            raise_all(new_types.check(new.to_command(), name))

        same = {"name": name}
        new = await bodies.take_judged(request, EventTypeChangeIn, judge, same)
        new.name = new.name or name
        row = await event_types.change(by, name, new.to_command())
        return EventTypeOut.of(row)

    @delete("/{name:str}")
    async def remove(self, by: NamedDependency[Actor], name: FromPath[str]) -> None:
        """409 while webhooks name it."""
        await event_types.remove(by, name)

    @get("/{name:str}/sample")
    async def sample(
        self, account: NamedDependency[str], name: FromPath[str]
    ) -> Response[Any]:
        """Its own sample, or one made from its schema."""
        return Response(await event_types.sample(account, name))


@post("/presets/{name:str}", status_code=200, tags=["Event types"])
async def install_preset(
    by: NamedDependency[Actor], name: FromPath[str]
) -> InstalledOut:
    """Adds the event types of a ready catalogue that are not there yet."""
    done = await event_types.install_preset(by, name)
    return InstalledOut(done.added, done.present)
