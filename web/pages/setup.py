"""Pages behind one-time links: the first owner sets up, an invited member joins, and
a member who has forgotten the password chooses a new one."""

from typing import Any

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import invitations, links, members, setup
from callboard.errors import Invalid, NotFound, Problem
from callboard.notices import passwords
from callboard.runtime import Runtime
from web.pages import forms
from web.pages.sign_in import let_in
from web.screens import screen
from web.security import PUBLIC, Running, address_of


class SetupController(Controller):
    path = "/setup/{token:str}"

    @get("/", opt=PUBLIC)
    async def show(
        self,
        request: HTMXRequest,
        runtime: Running,
        token: FromPath[str],
    ) -> Template:
        await _empty_link(token, runtime)
        return _setup(request, token, {"account": "", "name": "", "email": ""})

    @post("/", opt=PUBLIC)
    async def set_up(
        self,
        request: HTMXRequest,
        runtime: Running,
        token: FromPath[str],
    ) -> Response[Any]:
        form = await forms.texts(request, "account", "name", "email", "password")
        try:
            member = await setup.complete(
                token,
                form["account"],
                form["name"],
                form["email"],
                form["password"],
                runtime.clock(),
            )
        except Invalid as error:
            return _setup(request, token, form, forms.problems(error))
        return await let_in(request, runtime, member, "/")


class InvitationController(Controller):
    path = "/join/{token:str}"

    @get("/", opt=PUBLIC)
    async def show(
        self,
        request: HTMXRequest,
        runtime: Running,
        token: FromPath[str],
    ) -> Template:
        return await _invitation(request, runtime, token)

    @post("/", opt=PUBLIC)
    async def join(
        self,
        request: HTMXRequest,
        runtime: Running,
        token: FromPath[str],
    ) -> Response[Any]:
        form, now = await forms.texts(request, "name", "password"), runtime.clock()
        try:
            member = await invitations.join(
                token,
                form["password"],
                now,
                name=form["name"] or None,
                tell=passwords.telling(address_of(request), now),
            )
        except Invalid as error:
            problems = forms.problems(error)
            return await _invitation(request, runtime, token, form["name"], problems)
        runtime.queue.post()
        return await let_in(request, runtime, member, "/")


async def _empty_link(token: str, runtime: Runtime) -> None:
    """Only the link for the first owner opens the set-up page."""
    link = await links.look(token, runtime.clock())
    if link.member:
        raise NotFound("This link does not set up an account.")


def _setup(
    request: HTMXRequest,
    token: str,
    form: dict[str, str],
    problems: list[Problem] | None = None,
) -> Template:
    return screen(
        request,
        "setup.html",
        "setup.html",
        status=422 if problems else 200,
        token=token,
        form=form,
        problems=problems or [],
    )


async def _invitation(
    request: HTMXRequest,
    runtime: Runtime,
    token: str,
    name: str | None = None,
    problems: list[Problem] | None = None,
) -> Template:
    member = await invitations.invited(token, runtime.clock())
    return screen(
        request,
        "invitation.html",
        "invitation.html",
        status=422 if problems else 200,
        token=token,
        account=await members.account_of(member),
        is_new=not member.password_hash,
        form={"name": member.name if name is None else name, "email": member.email},
        problems=problems or [],
    )
