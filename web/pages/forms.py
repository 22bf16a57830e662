"""Forms as browsers send them: texts, of which some come more than once."""

from collections.abc import Iterable

from litestar.plugins.htmx import HTMXRequest

from callboard.errors import CallboardError, Problem
from web.errors import message_of, problems_of, status_of


async def texts(request: HTMXRequest, *names: str) -> dict[str, str]:
    """Each field as it was typed; empty where it was not sent."""
    form = await request.form()
    return {name: _text(form.get(name)) for name in names}


async def listed(request: HTMXRequest, name: str) -> tuple[str, ...]:
    """All values of a field that may come more than once, each of them once."""
    form = await request.form()
    found: Iterable[object] = form.getall(name, [])
    return tuple(dict.fromkeys(text for each in found if (text := _text(each))))


def problems(error: CallboardError) -> list[Problem]:
    """What to show in the form; a refusal without a field is about all of it."""
    return list(problems_of(error)) or [Problem("", error.code, message_of(error))]


def status(error: CallboardError) -> int:
    """Of the form shown again: 422, so that htmx takes it, unless it is a limit."""
    found = status_of(error)
    return 422 if found == 409 else found


def _text(value: object) -> str:
    """A browser ends lines with CRLF; a file is no text."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
