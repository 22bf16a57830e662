"""Forms as browsers send them: texts, of which some come more than once."""

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar.plugins.htmx import HTMXRequest

from callboard.errors import CallboardError, Problem, invalid
from web.errors import message_of, problems_of, status_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

F = TypeVar("F", bound="DataclassInstance")

REFUSED = -1  # what is no number is out of every range


async def read(request: HTMXRequest, form: type[F]) -> F:
    """A dataclass of texts, of what is ticked (tuples) and of yes or no (bools), and
    of parts that are such dataclasses themselves."""
    found: dict[str, Any] = {}
    for field in fields(form):
        if field.type is str:
            found |= await texts(request, field.name)
        elif isinstance(field.type, type) and is_dataclass(field.type):
            found[field.name] = await read(request, field.type)
        else:
            ticked = await listed(request, field.name)
            found[field.name] = bool(ticked) if field.type is bool else ticked
    return form(**found)


async def texts(request: HTMXRequest, *names: str) -> dict[str, str]:
    """Each field as it was typed; empty where it was not sent."""
    form = await request.form()
    return {name: _text(form.get(name)) for name in names}


async def listed(request: HTMXRequest, name: str) -> tuple[str, ...]:
    """All values of a field that may come more than once, each of them once."""
    form = await request.form()
    found: Iterable[object] = form.getall(name, [])
    return tuple(dict.fromkeys(text for each in found if (text := _text(each).strip())))


def whole(text: str) -> int:
    text = text.strip()
    good = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if good else REFUSED


def time(text: str, field: str) -> datetime | None:
    """Nothing typed is no bound; a time without a zone is UTC, as the page says."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        text = "Write a time such as 2026-01-15T09:30."
        raise invalid(field, "time", text) from None


def problems(error: CallboardError) -> list[Problem]:
    """What to show in the form; a refusal without a field is about all of it."""
    return list(problems_of(error)) or [Problem("", error.code, message_of(error))]


def placed(problem: Problem, name: str, ticked: tuple[str, ...], typed: str) -> Problem:
    """Of a list of which some are ticked and further ones are `typed`, in a field of
    its own: there if it is about one of these."""
    head, _, place = problem.field.partition(".")
    beyond = head == name and place.isdigit() and int(place) >= len(ticked)
    return replace(problem, field=typed) if beyond else problem


def status(error: CallboardError) -> int:
    """Of the form shown again: 422, so that htmx takes it, unless it is a limit."""
    found = status_of(error)
    return 422 if found == 409 else found


def compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def indented(text: str | None) -> str:
    """Stored JSON text for people."""
    return "" if text is None else msgspec.json.format(text)


def lines(text: str) -> tuple[str, ...]:
    """What stands on each line that is not empty."""
    return tuple(line for each in text.splitlines() if (line := each.strip()))


def addresses(text: str) -> list[str]:
    """One a line, or with commas or semicolons between."""
    return [one for each in re.split(r"[\n,;]", text) if (one := each.strip())]


def pairs(text: str) -> dict[str, str]:
    """`name: value` on each line; a line without a colon has an empty value."""
    found = (line.partition(":") for line in lines(text))
    return {name.strip(): value.strip() for name, _, value in found}


def typed(pairs: str) -> str:
    """Stored JSON of names and values as `pairs` reads it."""
    found = msgspec.json.decode(pairs, type=dict[str, str])
    return "\n".join(f"{name}: {value}" for name, value in found.items())


def _text(value: object) -> str:
    """Browsers end lines with CRLF; a file is no text."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
