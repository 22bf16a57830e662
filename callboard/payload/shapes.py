"""What an event type declares about its data: short names, and what is left out.

The kinds of fields: `on_demand` is left out unless a webhook includes it; `relation`
is an object of which only its `id` is sent unless included; `translated` is an object
by language, of which one text is sent.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from callboard.errors import Problem
from callboard.payload.placeholders import DATA, FIXED

KINDS = ("on_demand", "relation", "translated")
MOST_NAMES = 200

_NAME = re.compile(r"[\w-]{1,80}")
_PATH = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_LONGEST_PATH = 200


class Shape(msgspec.Struct, frozen=True):
    """`placeholders`: short name → path such as data.contactNumber. `fields`: path
    within the data → kind."""

    placeholders: dict[str, str] = {}
    fields: dict[str, str] = {}


PLAIN = Shape()


def check_placeholders(placeholders: Mapping[str, str]) -> Iterator[Problem]:
    yield from _too_many("placeholders", placeholders)
    for name, path in placeholders.items():
        where = f"placeholders.{name}"
        if not _NAME.fullmatch(name):
            text = "Name a placeholder with letters, digits, - and _ only."
            yield Problem(where, "name", text)
        elif name in (DATA, *FIXED):
            text = f"${{{name}}} means something already; choose another name."
            yield Problem(where, "taken", text)
        if not _reaches(path):
            text = (
                "Give the path of a value, such as data.contactNumber;"
                f" besides data.… there is {', '.join(FIXED)}."
            )
            yield Problem(where, "path", text)


def check_fields(fields: Mapping[str, str]) -> Iterator[Problem]:
    yield from _too_many("fields", fields)
    for path, kind in fields.items():
        if not _PATH.fullmatch(path) or len(path) > _LONGEST_PATH:
            text = "Name a field by its path in the data, such as address.country."
            yield Problem(f"fields.{path}", "path", text)
        if kind not in KINDS:
            text = f"Choose one of {', '.join(KINDS)}."
            yield Problem(f"fields.{path}", "kind", text)


def together(shapes: Iterable[Shape]) -> Shape:
    placeholders: dict[str, str] = {}
    fields: dict[str, str] = {}
    for shape in shapes:
        placeholders |= shape.placeholders
        fields |= shape.fields
    return Shape(placeholders, fields)


def declared_by_all(shapes: Mapping[str, Shape]) -> set[str]:
    """The short names that each of the types has."""
    found = [shape.placeholders.keys() for shape in shapes.values()]
    return set.intersection(*map(set, found)) if found else set()


def includable(shapes: Collection[Shape]) -> set[str]:
    """What any of the types leaves out unless it is asked for."""
    return {
        path
        for shape in shapes
        for path, kind in shape.fields.items()
        if kind != "translated"
    }


def _too_many(field: str, given: Collection[str]) -> Iterator[Problem]:
    if len(given) > MOST_NAMES:
        yield Problem(field, "too_many", f"Declare at most {MOST_NAMES}.")


def _reaches(path: str) -> bool:
    if path in FIXED:
        return True
    first = path.split(".")[0]
    return first == DATA and bool(_PATH.fullmatch(path)) and len(path) < _LONGEST_PATH
