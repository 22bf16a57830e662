"""A question before an act that cannot be taken back."""

from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from web.screens import screen


def ask(
    request: HTMXRequest,
    here: str,
    *,
    title: str,
    text: str,
    act: str,
    back: str,
    leave: str,
) -> Template:
    """The button `act` posts to the path that asked; `leave` leads `back`."""
    asked = {
        "title": title,
        "text": text,
        "action": request.url.path,
        "act": act,
        "back": back,
        "leave": leave,
    }
    return screen(request, "confirm.html", "_confirm.html", ask=asked, here=here)
