from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import keys
from callboard.accounts.actor import Actor
from callboard.errors import Invalid, Problem
from web import once
from web.pages import forms, questions
from web.screens import elsewhere, screen
from web.security import MEMBERS

_EMPTY: dict[str, Any] = {"name": "", "scopes": ("*",)}


class KeysController(Controller):
    path = "/settings/keys"

    @get("/")
    async def index(
        self, request: HTMXRequest, account: NamedDependency[str]
    ) -> Template:
        return await _keys(request, account, _EMPTY, secret=once.read(request))

    @post("/")
    async def create(
        self, request: HTMXRequest, by: NamedDependency[Actor]
    ) -> Response[Any]:
        """Leads to the page with the key on it, this once."""
        form: dict[str, Any] = dict(await forms.texts(request, "name"))
        form["scopes"] = await forms.listed(request, "scopes")
        try:
            key, secret = await keys.create(by, form["name"], form["scopes"])
        except Invalid as error:
            return await _keys(request, by.account, form, forms.problems(error))
        shown = {"name": key.name, "key": secret}
        return elsewhere(request, "/settings/keys", shown=shown)

    @get("/{id:str}/revoke", opt=MEMBERS)
    async def ask_to_revoke(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        key = await keys.get(account, id)
        return questions.ask(
            request,
            "keys",
            title=f"Revoke {key.name}?",
            text="Whoever uses this key is refused at once. This cannot be undone.",
            act="Revoke the key",
            back="/settings/keys",
            leave="Keep it",
        )

    @post("/{id:str}/revoke")
    async def revoke(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        await keys.revoke(by, id)
        return elsewhere(request, "/settings/keys", "The key is revoked.")


async def _keys(
    request: HTMXRequest,
    account: str,
    form: dict[str, Any],
    problems: list[Problem] | None = None,
    secret: dict[str, str] | None = None,
) -> Template:
    return screen(
        request,
        "settings/keys.html",
        "settings/keys.html",
        status=422 if problems else 200,
        keys=await keys.listed(account),
        form=form,
        problems=problems or [],
        secret=secret,
    )
