"""Page or part: the one place that looks at what htmx says."""

import hashlib
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.plugins.htmx import ClientRedirect, HTMXRequest
from litestar.response import Redirect, Response, Template

from callboard.accounts.sessions import SignedIn
from callboard.runtime import Runtime
from callboard.upkeep import readiness
from callboard.upkeep.readiness import Alarm
from web import once

_VARY = {"Vary": "HX-Request"}
_SAID = "callboard_said"


def screen(
    request: HTMXRequest, page: str, part: str, /, *, status: int = 200, **context: Any
) -> Template:
    """The part if htmx asks for one, else the page around it.

    Not for a boosted link or a restored history entry: those want the whole page.
    Both get the frame's variables: account, member (None for a visitor), theme, now,
    alarm with its mark, flash.
    """
    is_part = wants_part(request)
    answer = Template(
        template_name=part if is_part else page,
        context=_frame(request) | context,
        status_code=status,
        headers=_VARY,
        media_type="text/html",
    )
    if not is_part:
        _forget(request, answer)
    return answer


def screen_if_new(
    request: HTMXRequest, page: str, part: str, shown: object, /, **context: Any
) -> Response[Any]:
    """For polls: 204, which swaps nothing, if what is `shown` is on the page already.

    The part polls with `?seen={{ mark }}`, so that nobody loses focus or place in vain.
    """
    mark = mark_of(shown)
    if wants_part(request) and request.query_params.get("seen") == mark:
        return Response(None, status_code=204, headers=_VARY)
    return screen(request, page, part, mark=mark, **context)


def mark_of(shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def wants_part(request: HTMXRequest) -> bool:
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


async def look_for_trouble(request: Request[Any, Any, Any]) -> None:
    """For the strip above every page, of those who are signed in; parts have none."""
    assert isinstance(request, HTMXRequest)
    if request.scope.get("auth") and not wants_part(request):
        request.state.alarm = await alarm(request)


async def alarm(request: HTMXRequest) -> Alarm | None:
    """What the strip says to those who are signed in."""
    now = request.app.state.runtime.clock()
    return await readiness.alarm(request.auth.account.id, now)


def elsewhere(
    request: HTMXRequest, path: str, said: str = "", shown: once.Shown | None = None
) -> Response[Any]:
    """After an act: go and look there; that page says in passing what was `said`, and
    finds with `once.read` what is `shown` this once."""
    answer: Response[Any]
    if request.htmx:
        answer = ClientRedirect(redirect_to=path)
    else:
        answer = Redirect(path, status_code=303)
    if said:
        answer.set_cookie(
            key=_SAID, value=quote(said), max_age=60, httponly=True, samesite="lax"
        )
    if shown is not None:
        answer.set_cookie(once.cookie(request, path, shown))
    return answer


def sign_in_first(request: HTMXRequest) -> Response[Any]:
    """To the sign-in page and then back, if going back is harmless."""
    back = request.url.path if request.method == "GET" and not request.htmx else "/"
    query = f"?{request.url.query}" if request.url.query and back != "/" else ""
    return elsewhere(request, f"/login?next={quote(back + query, safe='/')}")


def _forget(request: HTMXRequest, answer: Response[Any]) -> None:
    """What was meant for one page has been on it."""
    if _SAID in request.cookies:
        answer.delete_cookie(_SAID)
    if spent := once.spent(request):
        answer.set_cookie(spent)


def _frame(request: HTMXRequest) -> dict[str, Any]:
    runtime: Runtime = request.app.state.runtime
    who = request.scope.get("auth")
    signed_in = who if isinstance(who, SignedIn) else None
    above: Alarm | None = request.state.get("alarm")
    return {
        "account": signed_in.account if signed_in else None,
        "member": signed_in.member if signed_in else None,
        "theme": request.cookies.get("theme", "auto"),
        "now": runtime.clock(),
        "flash": request.cookies.get(_SAID, ""),
        "alarm": above,
        "strip_mark": mark_of(above.cause if above else ""),
    }
