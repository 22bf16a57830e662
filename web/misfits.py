"""What should have been sent, in words: the decoder speaks of types."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

_LONGEST = 300
_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_EXPECTED = re.compile(r"Expected `([\w |]+)`(?:, got `(\w+)`)?")
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.+)`")


def in_words(text: str, kind: Any) -> str:
    """`text`: the decoder's, without the place; `kind`: the type that it looked for."""
    if expected := _EXPECTED.fullmatch(text):
        instead = f", not {_named(expected[2])}" if expected[2] else ""
        return f"Give {_named(expected[1])}{instead}."
    if field := _FIELD.fullmatch(text):
        missing = field[1] == "missing required"
        return f"Send {field[2]}, too." if missing else f"Leave {field[2]} out."
    if "timezone component" in text:
        return "Say in which zone, as in 2026-01-31T12:00:00Z."
    if "RFC3339" in text:
        return "Give a time such as 2026-01-31T12:00:00Z."
    if text.startswith("Invalid enum value") and (known := list(_choices(kind))):
        return f"Choose from {', '.join(known)}."
    return text[:_LONGEST].replace("`", "") + "."


def _named(types: str) -> str:
    return " or ".join(_WORDS.get(each, each) for each in types.split(" | "))


def _choices(kind: Any) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield from (str(each.value) for each in kind)
    elif get_origin(kind) is Literal:
        yield from map(str, get_args(kind))
    else:
        for part in get_args(kind):
            yield from _choices(part)
