"""An own JSON body with placeholders, in a string or where a value stands."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from callboard.payload.placeholders import Flaw, Slot, slots_of, split
from callboard.payload.values import Values, check_size, kind

LONGEST_TEMPLATE = 64 * 1024

# One without an end goes on to the last character, or each quote in it would be tried
# as a beginning.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)")
# Next to anything but what may stand there, these make JSON invalid: an escape that is
# cut through, or a number or word that would grow by a value.
_IN_STRING, _AS_VALUE = "~", "null"


@dataclass(frozen=True, slots=True)
class Template:
    """`parts`: bytes, and slots each with whether a string is around it."""

    parts: tuple[bytes | tuple[Slot, bool], ...]

    def fill(self, values: Values) -> bytes:
        """Raises Unfilled."""
        filled, size = [], 0
        for part in self.parts:
            filled.append(_filled(part, values))
            size += len(filled[-1])
            check_size(size)
        return b"".join(filled)


def read(text: str) -> Template:
    """`text` has been through `flaws`."""
    strings = _spans(text)
    parts, _ = split(text)
    return Template(
        tuple(
            part.encode() if isinstance(part, str) else (part, _within(strings, part))
            for part in parts
        )
    )


def flaws(text: str, short_names: Collection[str] = ()) -> list[Flaw]:
    """Malformed placeholders; without any, the place where the JSON breaks."""
    found = split(text, short_names)[1]
    return found or list(_broken(text))


def slots(text: str) -> list[Slot]:
    return slots_of(split(text)[0])


def _filled(part: bytes | tuple[Slot, bool], values: Values) -> bytes:
    if isinstance(part, bytes):
        return part
    slot, in_string = part
    value = values.json(slot)
    if not in_string:
        return value
    text = value.decode() if kind(value) == b"{" else values.text(slot)
    return msgspec.json.encode(text)[1:-1]


def _spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in _STRINGS.finditer(text)]


def _within(strings: Sequence[tuple[int, int]], slot: Slot) -> bool:
    place = bisect_right(strings, slot.at, key=lambda span: span[0]) - 1
    return place >= 0 and slot.at < strings[place][1]


def _broken(text: str) -> Iterator[Flaw]:
    probe, origins = _probe(text)
    try:
        msgspec.json.decode(probe)
    except UnicodeEncodeError as error:
        yield Flaw(origins[error.start], "This character cannot be sent.")
    except (msgspec.DecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        before = probe.encode()[: int(found[1])] if found else probe.encode()
        place = len(before.decode(errors="ignore"))
        yield Flaw(origins[place], _sentence(str(error)))


def _probe(text: str) -> tuple[str, list[int]]:
    """The template filled for a try, and where each of its characters comes from."""
    strings = _spans(text)
    probe = ""
    origins: list[int] = []
    at = 0
    for part in split(text)[0]:
        more, source = str(part), range(at, at + len(str(part)))
        if isinstance(part, Slot):
            more = _IN_STRING if _within(strings, part) else _AS_VALUE
            source = range(at, at + 1)
        origins += source if isinstance(part, str) else [*source] * len(more)
        probe += more
        at += len(str(part))
    return probe, [*origins, len(text)]


def _sentence(error: str) -> str:
    what = _BYTE.sub("", error.partition(": ")[2]).strip()
    if not what:
        what = "it ends too early"
    return f"This is not JSON: {what}."
