from typing import Any

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.catalogue import event_types, presets, shapes
from callboard.catalogue.new_types import NewEventType
from callboard.catalogue.tables import EventType
from callboard.errors import CallboardError, Conflict, Invalid
from callboard.webhooks import webhooks
from web.pages import forms, questions
from web.screens import elsewhere, screen
from web.security import MEMBERS

_FIELDS = (
    *("name", "group", "description", "sample", "schema"),
    *("placeholders", "fields", "kinds"),
)
_MOST = 5000


class CatalogueController(Controller):
    path = "/catalogue"

    @get("/")
    async def index(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        q: FromQuery[str] = "",
    ) -> Template:
        q = q.strip()
        found = await event_types.page(account, search=q, limit=_MOST)
        return screen(
            request,
            "catalogue/list.html",
            "catalogue/_types.html",
            types=found.items,
            q=q,
            presets=await _presets(account),
        )

    @get("/new", opt=MEMBERS)
    async def new(
        self, request: HTMXRequest, account: NamedDependency[str]
    ) -> Template:
        return await _form(request, account, dict.fromkeys(_FIELDS, ""))

    @post("/new")
    async def create(
        self, request: HTMXRequest, by: NamedDependency[Actor]
    ) -> Response[Any]:
        form = await forms.texts(request, *_FIELDS)
        try:
            row = await event_types.create(by, _command(form))
        except (Invalid, Conflict) as error:
            return await _form(request, by.account, form, error)
        return elsewhere(request, f"/catalogue/{row.name}", "Added.")

    @post("/presets/{name:str}")
    async def install(
        self, request: HTMXRequest, by: NamedDependency[Actor], name: FromPath[str]
    ) -> Response[Any]:
        done = await event_types.install_preset(by, name)
        said = f"{len(done.added)} event types were added."
        return elsewhere(request, "/catalogue", said)

    @get("/{name:str}")
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str], name: FromPath[str]
    ) -> Template:
        return await _type(request, account, name)

    @get("/{name:str}/sample")
    async def sample(
        self, request: HTMXRequest, account: NamedDependency[str], name: FromPath[str]
    ) -> Template:
        return await _type(request, account, name)

    @get("/{name:str}/edit", opt=MEMBERS)
    async def edit(
        self, request: HTMXRequest, account: NamedDependency[str], name: FromPath[str]
    ) -> Template:
        row = await event_types.get(account, name)
        return await _form(request, account, _typed(row), name=name)

    @post("/{name:str}/edit")
    async def change(
        self, request: HTMXRequest, by: NamedDependency[Actor], name: FromPath[str]
    ) -> Response[Any]:
        form = await forms.texts(request, *_FIELDS)
        try:
            await event_types.change(by, name, _command(form))
        except Invalid as error:
            return await _form(request, by.account, form, error, name)
        return elsewhere(request, f"/catalogue/{name}", "Saved.")

    @get("/{name:str}/delete", opt=MEMBERS)
    async def ask_to_delete(
        self, request: HTMXRequest, account: NamedDependency[str], name: FromPath[str]
    ) -> Template:
        row = await event_types.get(account, name)
        return questions.ask(
            request,
            "catalogue",
            title=f"Delete {row.name}?",
            text="Events of this type are refused from then on."
            " Those that came before stay readable.",
            act="Delete the event type",
            back=f"/catalogue/{row.name}",
            leave="Keep it",
        )

    @post("/{name:str}/delete")
    async def remove(
        self, request: HTMXRequest, by: NamedDependency[Actor], name: FromPath[str]
    ) -> Response[Any]:
        await event_types.remove(by, name)
        return elsewhere(request, "/catalogue", f"{name} was deleted.")


async def _type(request: HTMXRequest, account: str, name: str) -> Template:
    row = await event_types.get(account, name)
    return screen(
        request,
        "catalogue/detail.html",
        "catalogue/_sample.html",
        type=row,
        sample=forms.pretty(event_types.sample_of(row)),
        shape=shapes.read(row.placeholders, row.fields),
        kinds=msgspec.json.decode(row.kinds),
        webhooks=await webhooks.listening_to(account, name),
    )


async def _presets(account: str) -> list[dict[str, Any]]:
    known = {row.name for row in await event_types.listed(account)}
    found = [presets.load(name) for name in presets.names()]
    return [
        {
            "name": name,
            "title": preset.title,
            "vendor": preset.vendor,
            "count": len(preset.event_types),
            "installed": sum(type.name in known for type in preset.event_types),
        }
        for name, preset in zip(presets.names(), found, strict=True)
    ]


def _command(form: dict[str, str]) -> NewEventType:
    return NewEventType(
        name=form["name"].strip(),
        group=form["group"],
        description=form["description"],
        sample=form["sample"].strip() or None,
        schema=form["schema"].strip() or None,
        placeholders=forms.pairs(form["placeholders"]),
        fields=forms.pairs(form["fields"]),
        kinds=forms.lines(form["kinds"]),
    )


def _typed(row: EventType) -> dict[str, str]:
    return {
        "name": row.name,
        "group": row.group,
        "description": row.description,
        "sample": forms.indented(row.sample),
        "schema": forms.indented(row.schema),
        "placeholders": forms.typed(row.placeholders),
        "fields": forms.typed(row.fields),
        "kinds": "\n".join(msgspec.json.decode(row.kinds, type=list[str])),
    }


async def _form(
    request: HTMXRequest,
    account: str,
    form: dict[str, str],
    error: CallboardError | None = None,
    name: str = "",
) -> Template:
    """`name`: of the type that is changed, empty for a new one."""
    return screen(
        request,
        "catalogue/form.html",
        "catalogue/form.html",
        status=forms.status(error) if error else 200,
        type={"name": name} if name else None,
        action=f"/catalogue/{name}/edit" if name else "/catalogue/new",
        form=form,
        groups=sorted({row.group for row in await event_types.listed(account)} - {""}),
        problems=forms.problems(error) if error else [],
    )
