"""A URL with placeholders, filled so that no value leaves the place it stands in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote, unquote

from callboard.egress.sendable import LONGEST_URL
from callboard.payload.placeholders import Part, Slot, slots_of, split
from callboard.payload.values import Unfilled, Values

_HOST = re.compile(r"[^:/?]*://[^/?]*")
_STEPS = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Address:
    """`segments`: of the path, between its slashes; `query` begins with its ?."""

    host: str
    segments: tuple[tuple[Part, ...], ...]
    query: tuple[Part, ...]

    def fill(self, values: Values) -> str:
        """Raises Unfilled, and makes nothing of values that are too long."""
        length = 0
        for slot in slots_of([*chain(*self.segments), *self.query]):
            length += len(values.text(slot))
            _check_length(length)
        path = "/".join([_segment(segment, values) for segment in self.segments])
        query = "".join([_escaped(part, values) for part in self.query])
        url = f"{self.host}{path}{query}"
        _check_length(len(url))
        return url


def read(url: str) -> Address | None:
    """`url` has been through the rules. None where it has no placeholders: then it is
    sent as it is."""
    parts, _ = split(url)
    if all(isinstance(part, str) for part in parts):
        return None
    found = _HOST.match(url)
    host = found[0] if found else ""
    path, query = _halves(split(url[len(host) :])[0])
    return Address(host, _segments(path), query)


def _check_length(length: int) -> None:
    if length > LONGEST_URL:
        raise Unfilled(f"With its values the URL is longer than {LONGEST_URL}.")


def _halves(parts: Sequence[Part]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    for place, part in enumerate(parts):
        if isinstance(part, str) and "?" in part:
            path, mark, query = part.partition("?")
            return (*parts[:place], path), (mark + query, *parts[place + 1 :])
    return tuple(parts), ()


def _segments(path: Sequence[Part]) -> tuple[tuple[Part, ...], ...]:
    segments: list[list[Part]] = [[]]
    for part in path:
        if isinstance(part, Slot):
            segments[-1].append(part)
            continue
        first, *more = part.split("/")
        segments[-1].append(first)
        segments += [[text] for text in more]
    return tuple(tuple(segment) for segment in segments)


def _segment(segment: tuple[Part, ...], values: Values) -> str:
    """Some servers decode %2F before they resolve dots, so a/../b is judged, too."""
    filled = "".join([_escaped(part, values) for part in segment])
    slots = [part for part in segment if isinstance(part, Slot)]
    if slots and not filled:
        raise Unfilled(f"{slots[0]} is empty here, and the URL's path needs a value.")
    if slots and not {".", ".."}.isdisjoint(_STEPS.split(unquote(filled))):
        raise Unfilled(
            f"{slots[0]} would put . or .. into the URL's path and lead elsewhere."
        )
    return filled


def _escaped(part: Part, values: Values) -> str:
    return part if isinstance(part, str) else quote(values.text(part), safe="")
