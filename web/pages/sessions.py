"""Where a member is signed in, and the member's name and password."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import members, sessions, signing_in
from callboard.accounts.actor import Actor
from callboard.errors import Invalid, LimitReached, NotFound
from callboard.notices import passwords
from callboard.runtime import Runtime
from web.pages import forms
from web.screens import elsewhere, screen
from web.security import VIEWERS, Running, address_of


class SessionsController(Controller):
    path = "/settings/sessions"

    @get("/")
    async def index(self, request: HTMXRequest, runtime: Running) -> Template:
        return await _sessions(request, runtime)

    @post("/{id:str}/end", opt=VIEWERS)
    async def end(
        self, request: HTMXRequest, runtime: Running, id: FromPath[str]
    ) -> Response[Any]:
        mine = await sessions.listed(request.user, runtime.clock())
        if id not in {session.id for session in mine}:
            raise NotFound("You are not signed in there.")
        await sessions.end(id)
        return elsewhere(request, "/settings/sessions", "Signed out there.")

    @post("/end-others", opt=VIEWERS)
    async def end_others(self, request: HTMXRequest) -> Response[Any]:
        await sessions.end_all(request.user, keep=request.auth.session)
        said = "You are signed out everywhere else."
        return elsewhere(request, "/settings/sessions", said)


@post("/settings/name", opt=VIEWERS)
async def change_name(
    request: HTMXRequest, by: NamedDependency[Actor], runtime: Running
) -> Response[Any]:
    form = await forms.texts(request, "name")
    try:
        await members.change_name(by, request.user, form["name"])
    except Invalid as error:
        return await _sessions(request, runtime, error, form["name"])
    return elsewhere(request, "/settings/sessions", "Your name is changed.")


@post("/settings/password", opt=VIEWERS)
async def change_password(request: HTMXRequest, runtime: Running) -> Response[Any]:
    form = await forms.texts(request, "old", "password")
    try:
        await signing_in.change_password(
            request.user,
            form["old"],
            form["password"],
            runtime.clock(),
            keep=request.auth.session,
            tell=passwords.telling(address_of(request), runtime.clock()),
        )
    except (Invalid, LimitReached) as error:
        return await _sessions(request, runtime, error)
    runtime.queue.post()
    said = "Your password is changed, and you are signed out everywhere else."
    return elsewhere(request, "/settings/sessions", said)


async def _sessions(
    request: HTMXRequest,
    runtime: Runtime,
    error: Invalid | LimitReached | None = None,
    name: str | None = None,
) -> Template:
    return screen(
        request,
        "settings/sessions.html",
        "settings/sessions.html",
        status=forms.status(error) if error else 200,
        sessions=await sessions.listed(request.user, runtime.clock()),
        current=request.auth.session,
        form={"name": request.user.name if name is None else name},
        problems=forms.problems(error) if error else [],
    )
