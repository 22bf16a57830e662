"""What the address of a list asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

from litestar.plugins.htmx import HTMXRequest

from callboard import paging
from callboard.delivery.states import check_state
from callboard.errors import Invalid, Problem
from web.pages import forms
from web.screens import wants_part


def read(request: HTMXRequest, **typed: str) -> tuple[dict[str, str], dict[str, Any]]:
    """What cannot be read is left out, and the page tells of it: the second goes to
    the screen. Of a part, which has no room for that, Invalid is raised."""
    problems = list(_problems(typed))
    if problems and wants_part(request):
        raise Invalid(problems)
    wrong = {problem.field for problem in problems}
    left = {name: "" if name in wrong else text for name, text in typed.items()}
    return left, {"misread": problems, "status": 422 if problems else 200}


def _problems(typed: Mapping[str, str]) -> Iterator[Problem]:
    yield from paging.check(typed["cursor"])
    if state := typed.get("state"):
        yield from check_state(state)
    for name in ("since", "until"):
        try:
            forms.time(typed.get(name, ""), name)
        except Invalid as error:
            yield from error.problems
