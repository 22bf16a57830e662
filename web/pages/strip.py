"""The strip above every page, for those that stay open."""

from typing import Any

from litestar import get
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from web.screens import alarms, mark_of, screen_if_new
from web.security import SIGNED_OUT

_PART = "_strip.html"
_GONE = {"text": SIGNED_OUT}


@get("/strip", opt={"public": True})
async def show_strip(request: HTMXRequest) -> Response[Any]:
    """For pages that stay open. Who was signed out meanwhile is told so and not led
    away from what they are writing."""
    found = await alarms(request) if request.user else [_GONE]
    shown = {"alarms": found, "strip_mark": mark_of(found)}
    return screen_if_new(request, _PART, _PART, found, **shown)
