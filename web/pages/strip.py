"""The strip above every page, for those that stay open."""

from typing import Any

from litestar import get
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from web.screens import alarm, mark_of, screen, screen_if_new
from web.security import PUBLIC, SIGNED_OUT

_PART = "_strip.html"
_WAITED = "_strip_waited.html"
_NO_SWAP = {"HX-Reswap": "none"}


@get("/strip", opt=PUBLIC)
async def show_strip(request: HTMXRequest) -> Response[Any]:
    """For pages that stay open. Who was signed out meanwhile is told so and not led
    away from what they are writing. While the cause stays the same only the minutes
    are changed, in silence: a screen reader says each trouble once."""
    gone = "" if request.user else SIGNED_OUT
    found = None if gone else await alarm(request)
    cause = found.cause if found else gone
    shown = {"alarm": found, "gone": gone, "strip_mark": mark_of(cause)}
    answer = screen_if_new(request, _PART, _PART, cause, **shown)
    if found and answer.status_code == 204:
        answer = screen(request, _WAITED, _WAITED, alarm=found)
        answer.headers |= _NO_SWAP
    return answer
