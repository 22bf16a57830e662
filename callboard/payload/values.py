"""What placeholders stand for in one event.

Values keep the sender's spelling: 1.10 stays 1.10, and big numbers stay whole.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

import msgspec

from callboard.payload.placeholders import DATA, Slot

T = TypeVar("T")

# Four times what an event may have: a form, in which every character may become three,
# still fits.
LARGEST_BODY = 1024 * 1024

_Inside: TypeAlias = dict[str, msgspec.Raw] | list[msgspec.Raw]

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_encode = msgspec.json.encode


class Unfilled(Exception):
    """The event has no fitting value: nothing can be sent, now or later."""


class Facts(msgspec.Struct, frozen=True, gc=False):
    """An event as its calls tell it. `data` and `context` are JSON text."""

    id: str
    type: str
    data: str
    occurred_at: datetime
    context: str = "[]"


class Values:
    """`short_names`: the paths that the event's type declares. `data`: what ${data} as
    a whole stands for, where that is not all that was sent.

    What many placeholders need is read once: thousands of them would otherwise keep
    everybody waiting for half a minute.
    """

    __slots__ = ("_data", "_facts", "_inside", "_language", "_short_names", "_texts")

    def __init__(
        self,
        facts: Facts,
        short_names: Mapping[str, str],
        language: str,
        data: str | None = None,
    ) -> None:
        self._facts = facts
        self._short_names = short_names
        self._language = language
        self._data = facts.data if data is None else data
        self._inside: dict[tuple[str, ...], _Inside | None] = {}
        self._texts: dict[tuple[str, ...], str] = {}

    def json(self, slot: Slot) -> bytes:
        """The value as JSON. Unfilled where there is none; null is a value."""
        path = slot.path
        if len(path) == 1 and path[0] in self._short_names:
            path = tuple(self._short_names[path[0]].split("."))
        found = self._find(path)
        if found is None:
            where = "" if path == slot.path else f" (its {'.'.join(path)} is missing)"
            raise Unfilled(f"The event has no {slot}{where}.")
        return found

    def text(self, slot: Slot) -> str:
        """As it stands in a text: null is nothing, a list has commas between."""
        if slot.path not in self._texts:
            found = _plain(self.json(slot))
            if found is None:
                raise Unfilled(f"{slot} is an object here: only a plain value fits.")
            self._texts[slot.path] = found
        return self._texts[slot.path]

    def _find(self, path: Sequence[str]) -> bytes | None:
        facts = self._facts
        match path:
            case ["id"]:
                return _encode(facts.id)
            case ["type"]:
                return _encode(facts.type)
            case ["occurred_at"]:
                return _encode(rfc3339(facts.occurred_at))
            case ["context"]:
                return facts.context.encode()
            case ["language"]:
                return _encode(self._language)
            case [root] if root == DATA:
                return self._data.strip().encode()
            case [root, *steps] if root == DATA:
                return self._reach(tuple(steps))
        return None

    def _reach(self, path: tuple[str, ...]) -> bytes | None:
        """None where it ends early; a list is entered by a number."""
        found: bytes | None = self._facts.data.encode()
        for end, step in enumerate(path):
            if found is None:
                return None
            if path[:end] not in self._inside:
                self._inside[path[:end]] = _opened(found)
            found = _entered(self._inside[path[:end]], step)
        return found


def check_size(size: int, most: int = LARGEST_BODY) -> None:
    """Raises Unfilled. For what is being made, so that it never becomes too large."""
    if size > most:
        raise Unfilled(f"With its values the body is larger than {most // 1024} KiB.")


def rfc3339(time: datetime) -> str:
    return msgspec.json.encode(time)[1:-1].decode()


def members(value: bytes) -> dict[str, msgspec.Raw]:
    return _readable(_OBJECT, value)


def items(value: bytes) -> list[msgspec.Raw]:
    return _readable(_LIST, value)


def kind(value: bytes) -> bytes:
    """The character that a JSON value begins with."""
    return value.lstrip()[:1]


def _opened(value: bytes) -> _Inside | None:
    match kind(value):
        case b"{":
            return members(value)
        case b"[":
            return items(value)
    return None


def _entered(inside: _Inside | None, step: str) -> bytes | None:
    found: msgspec.Raw | None = None
    if isinstance(inside, dict):
        found = inside.get(step)
    elif inside and step.isascii() and step.isdigit() and len(step) < 10:
        found = inside[int(step)] if int(step) < len(inside) else None
    return None if found is None else bytes(found)


def _plain(value: bytes) -> str | None:
    match kind(value):
        case b'"':
            return _readable(_TEXT, value)
        case b"n":
            return ""
        case b"{":
            return None
        case b"[":
            found = items(value)
            if any(kind(bytes(each)) in b"[{" for each in found):
                return None
            return ",".join(_plain(bytes(each)) or "" for each in found)
    return value.decode().strip()


def _readable(decoder: "msgspec.json.Decoder[T]", value: bytes) -> T:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise Unfilled("The event's data cannot be read.") from None
