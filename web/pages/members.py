from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import invitations, members
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Member
from callboard.errors import Conflict, Invalid
from callboard.runtime import Runtime
from web import once
from web.pages import forms, questions
from web.screens import elsewhere, screen
from web.security import OWNERS, Running

_EMPTY = {"email": "", "name": "", "role": "member"}


class MembersController(Controller):
    path = "/settings/members"

    @get("/")
    async def index(
        self, request: HTMXRequest, account: NamedDependency[str]
    ) -> Template:
        return await _members(request, account, _EMPTY, link=once.read(request))

    @post("/", opt=OWNERS)
    async def invite(
        self, request: HTMXRequest, by: NamedDependency[Actor], runtime: Running
    ) -> Response[Any]:
        """Leads to the page with the invitation's link on it, this once."""
        form = await forms.texts(request, "email", "name", "role")
        try:
            member, token = await invitations.invite(
                by, form["email"], form["name"], form["role"]
            )
        except (Invalid, Conflict) as error:
            return await _members(request, by.account, form, error)
        return _with_link(request, runtime, member, token)

    @post("/{id:str}/link", opt=OWNERS)
    async def make_link(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        """For a lost invitation or a forgotten password."""
        token = await invitations.new_link(by, id)
        member = await members.get(by.account, id)
        return _with_link(request, runtime, member, token)

    @post("/{id:str}/role", opt=OWNERS)
    async def change_role(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        form = await forms.texts(request, "role")
        try:
            await members.change_role(by, id, form["role"])
        except (Invalid, Conflict) as error:
            return await _members(request, by.account, _EMPTY, error)
        return elsewhere(request, "/settings/members", "The role is changed.")

    @get("/{id:str}/remove", opt=OWNERS)
    async def ask_to_remove(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        person = await members.get(account, id)
        return questions.ask(
            request,
            "members",
            title=f"Remove {person.name or person.email}?",
            text="They are signed out at once and cannot sign in again. API keys stay"
            " good: revoke those that they know.",
            act="Remove the member",
            back="/settings/members",
            leave="Keep them",
        )

    @post("/{id:str}/remove", opt=OWNERS)
    async def remove(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        try:
            await members.remove(by, id)
        except Conflict as error:
            return await _members(request, by.account, _EMPTY, error)
        return elsewhere(request, "/settings/members", "They are removed.")


def _with_link(
    request: HTMXRequest, runtime: Runtime, member: Member, token: str
) -> Response[Any]:
    url = f"{runtime.settings.public_url}/join/{token}"
    link = {"url": url, "email": member.email}
    return elsewhere(request, "/settings/members", shown=link)


async def _members(
    request: HTMXRequest,
    account: str,
    form: dict[str, str],
    error: Invalid | Conflict | None = None,
    link: dict[str, str] | None = None,
) -> Template:
    return screen(
        request,
        "settings/members.html",
        "settings/members.html",
        status=422 if error else 200,
        members=[_view(row) for row in await members.listed(account)],
        form=form,
        problems=forms.problems(error) if error else [],
        link=link,
    )


def _view(row: Member) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "role": row.role,
        "joined": bool(row.password_hash),
        "created_at": row.created_at,
    }
