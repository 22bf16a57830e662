"""The account's tree of context tags, as an outline that people can edit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.catalogue import contexts
from callboard.catalogue.contexts import Tag
from callboard.errors import Invalid, Problem
from web.pages import forms
from web.screens import elsewhere, screen

_INDENT = "  "


class ContextsController(Controller):
    path = "/contexts"

    @get("/")
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str]
    ) -> Template:
        tags = await contexts.listed(account)
        return _page(request, tags, write_outline(tags))

    @post("/")
    async def change(
        self, request: HTMXRequest, by: NamedDependency[Actor]
    ) -> Response[Any]:
        outline = (await forms.texts(request, "outline"))["outline"]
        lines, tags = read_outline(outline)
        try:
            await contexts.replace(by, tags)
        except Invalid as error:
            found = [_place(problem, lines) for problem in error.problems]
            return _page(request, await contexts.listed(by.account), outline, found)
        return elsewhere(request, "/contexts", "Saved.")


def read_outline(text: str) -> tuple[list[int], list[Tag]]:
    """What stands further in belongs to the line above; with the lines' numbers."""
    lines, tags = [], []
    above: list[tuple[int, str]] = []
    for number, line in enumerate(text.expandtabs(8).splitlines(), 1):
        if not (tag := line.strip()):
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        lines.append(number)
        tags.append(Tag(tag, above[-1][1] if above else None))
        above.append((depth, tag))
    return lines, tags


def write_outline(tags: Sequence[Tag]) -> str:
    return "\n".join(_INDENT * depth + tag for depth, tag in _walk(tags))


def _walk(tags: Sequence[Tag]) -> Iterator[tuple[int, str]]:
    """Each tag behind the one above it; a parent that is not listed is a root."""
    below: dict[str | None, list[str]] = {}
    for each in tags:
        below.setdefault(each.parent, []).append(each.tag)
    known = {each.tag for each in tags}
    unlisted = {parent for parent in below if parent is not None} - known
    waiting = [(0, tag) for tag in sorted([*below.get(None, []), *unlisted])[::-1]]
    while waiting:
        depth, tag = waiting.pop()
        yield depth, tag
        waiting += [(depth + 1, each) for each in sorted(below.get(tag, []))[::-1]]


def _place(problem: Problem, lines: list[int]) -> Problem:
    """The domain counts tags; people count lines."""
    _, _, rest = problem.field.partition(".")
    place = rest.partition(".")[0]
    where = f"Line {lines[int(place)]}: " if place.isdigit() else ""
    return replace(problem, field="outline", message=where + problem.message)


def _page(
    request: HTMXRequest,
    tags: Sequence[Tag],
    outline: str,
    problems: Sequence[Problem] = (),
) -> Template:
    return screen(
        request,
        "contexts.html",
        "contexts.html",
        status=422 if problems else 200,
        tree=list(_walk(tags)),
        form={"outline": outline},
        problems=problems,
    )
