"""Who did what: for owners, as it says of all others when they looked at a secret."""

from typing import Any
from urllib.parse import urlencode

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.accounts import audit
from callboard.webhooks import webhooks
from web.pages import asked
from web.screens import screen
from web.security import OWNERS


@get("/settings/audit", opt=OWNERS)
async def show_audit(
    request: HTMXRequest,
    account: NamedDependency[str],
    about: FromQuery[str] = "",
    q: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[Any]:
    typed, told = asked.read(request, about=about, q=q.strip(), cursor=cursor)
    cursor = typed.pop("cursor")
    found = await audit.page(account, about=about, q=typed["q"], cursor=cursor)
    return screen(
        request,
        "settings/audit.html",
        "settings/_audit.html",
        page=found,
        filter=typed,
        query=urlencode({name: text for name, text in typed.items() if text}),
        names=await webhooks.names(account, [row.subject for row in found.items]),
        **told,
    )
