from typing import Any

from litestar import get, post
from litestar.params import FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import devices, members, sessions, setup, signing_in
from callboard.accounts.tables import Member
from callboard.errors import Invalid, LimitReached, invalid
from callboard.runtime import Runtime
from web import cookies
from web.pages import forms
from web.screens import elsewhere, screen
from web.security import PUBLIC, VIEWERS, Running, address_of


@get("/login", opt=PUBLIC)
async def show_login(request: HTMXRequest, next: FromQuery[str] = "/") -> Response[Any]:
    if request.user:
        return elsewhere(request, _ours(next))
    return await _login(request, {"email": "", "next": _ours(next)})


@post("/login", opt=PUBLIC)
async def sign_in(request: HTMXRequest, runtime: Running) -> Response[Any]:
    form = await forms.texts(request, "email", "password", "next")
    form["next"] = _ours(form["next"])
    try:
        member = await _known(request, runtime, form)
    except (Invalid, LimitReached) as error:
        return await _login(request, form, error)
    return await let_in(request, runtime, member, form["next"])


@post("/logout", opt=VIEWERS)
async def sign_out(request: HTMXRequest, runtime: Running) -> Response[Any]:
    await sessions.end(request.auth.session)
    answer = elsewhere(request, "/login")
    answer.set_cookie(cookies.make(cookies.SESSION, "", runtime.settings))
    return answer


async def let_in(
    request: HTMXRequest, runtime: Runtime, member: Member, path: str
) -> Response[Any]:
    """Begins a session and goes on to `path`."""
    settings, browser = runtime.settings, request.headers.get("User-Agent", "")
    token = await sessions.start(member, runtime.clock(), browser)
    proof = devices.proof(settings.secret_keys, member.email)
    answer = elsewhere(request, path)
    answer.set_cookie(cookies.make(cookies.SESSION, token, settings))
    answer.set_cookie(cookies.make(cookies.DEVICE, proof, settings))
    return answer


async def _known(
    request: HTMXRequest, runtime: Runtime, form: dict[str, str]
) -> Member:
    settings = runtime.settings
    shown = cookies.value(request, cookies.DEVICE, settings)
    device = devices.known(settings.secret_keys, shown, members.normal(form["email"]))
    member = await signing_in.sign_in(
        form["email"],
        form["password"],
        runtime.clock(),
        address_of(request),
        device,
        runtime.tries,
    )
    if member is None:
        text = "There is no such pair of e-mail and password."
        raise invalid("", "wrong", text)
    return member


async def _login(
    request: HTMXRequest,
    form: dict[str, str],
    error: Invalid | LimitReached | None = None,
) -> Template:
    return screen(
        request,
        "login.html",
        "login.html",
        status=forms.status(error) if error else 200,
        is_set_up=await setup.is_done(),
        form=form,
        problems=forms.problems(error) if error else [],
    )


def _ours(path: str) -> str:
    """Back to pages of ours only: `//host` and `/\\host` are elsewhere."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_path and path.isprintable() else "/"
