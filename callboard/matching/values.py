"""What stands in an event's data, as text: to compare it, and to show it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any

# Of a list, no more elements are looked at: what a filter costs stays bounded.
MOST_ELEMENTS = 1000

_SHOWN = 3
_LONGEST = 60


def text_of(value: Json) -> str | None:
    """None for null, lists and objects, which have no text of their own."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return None
    return msgspec.json.encode(value).decode()


def shown(value: Json) -> str:
    """One value in a sentence."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = text_of(value)
    if text is None:
        return "null"
    return quoted(text)


def shown_all(values: Sequence[Json]) -> str:
    """Several, of which the first are shown."""
    different = list(dict.fromkeys(shown(value) for value in values))
    if len(different) > _SHOWN:
        different[_SHOWN:] = [f"{len(different) - _SHOWN} more"]
    return listed(different)


def listed(words: Sequence[str], last: str = "and", most: int | None = None) -> str:
    """Where there are more than `most`, the last place says how many more."""
    if most is not None and len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    *firsts, end = words
    return f"{', '.join(firsts)} {last} {end}" if firsts else end


def quoted(text: str) -> str:
    """As it is if it reads as one word, else in quotes; cut off where it is long."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    one_word = cut and not any(c.isspace() or c in "“”,;" for c in cut)
    return cut if one_word and cut.isprintable() else f"“{' '.join(cut.split())}”"
