"""`${…}` in a text: what it names, and for what cannot be read, where and why.

A placeholder reaches `data.…`, `id`, `type`, `occurred_at`, `context`, `language`, and
the short names that event types declare. A literal `${` is written %24%7B in a URL and
\\u0024{ in JSON.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

DATA = "data"
FIXED = ("id", "type", "occurred_at", "context", "language")

# Up to the end, or to where the next one may begin.
_BEGUN = re.compile(r"\$\{([^${}]*)(\}?)")
_NAMES = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder in its text: its names in order, and where its `$` stands."""

    path: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return f"${{{'.'.join(self.path)}}}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """`at`: the place of the character it is about, the first one being 0."""

    at: int
    message: str


Part = str | Slot


def split(
    text: str, short_names: Collection[str] = ()
) -> tuple[list[Part], list[Flaw]]:
    """Texts and placeholders in order; what is malformed is a flaw and in no part. Of
    the short names one may have been meant."""
    parts: list[Part] = []
    flaws: list[Flaw] = []
    end = 0
    for found in _BEGUN.finditer(text):
        parts.append(text[end : found.start()])
        inside, closed = found.groups()
        end = found.end()
        if closed and is_name(inside):
            parts.append(Slot(tuple(inside.split(".")), found.start()))
        else:
            flaws.append(
                Flaw(found.start(), _malformed(inside, bool(closed), short_names))
            )
    parts.append(text[end:])
    return [part for part in parts if part != ""], flaws


def unknown(slots: Sequence[Slot], short_names: Collection[str]) -> Iterator[Flaw]:
    """Those that reach nothing. `short_names`: what the event types declare."""
    for slot in slots:
        root, *steps = slot.path
        fixed = not steps and (root in FIXED or root in short_names)
        if root != DATA and not fixed:
            yield Flaw(slot.at, _unknown(slot, short_names))


def is_name(text: str) -> bool:
    return bool(_NAMES.fullmatch(text))


def slots_of(parts: Sequence[Part]) -> list[Slot]:
    return [part for part in parts if isinstance(part, Slot)]


def _malformed(inside: str, closed: bool, short_names: Collection[str]) -> str:
    if not closed:
        return "Close this placeholder with }: it is written ${name}."
    if not inside.strip():
        return "Name a value in this placeholder, such as ${data.id}."
    text = inside[:_SHOWN] + ("…" if len(inside) > _SHOWN else "")
    mended = re.sub(r"[^\w.-]", "", inside).strip(".")
    near = difflib.get_close_matches(mended, short_names, 1)
    such = f", such as ${{{near[0] if near else mended}}}" if is_name(mended) else ""
    return f"“${{{text}}}” is no placeholder: write names joined by dots{such}."


def _unknown(slot: Slot, short_names: Collection[str]) -> str:
    root = slot.path[0]
    if root in FIXED or root in short_names:
        return f"{slot} reaches nothing: ${{{root}}} has no parts."
    name = ".".join(slot.path)
    near = difflib.get_close_matches(name, [*short_names, *FIXED], 1, 0.7)
    if near:
        hint = f"Did you mean ${{{near[0]}}}, or ${{data.{name}}}?"
    else:
        known = ", ".join(f"${{{each}}}" for each in sorted(short_names))
        hint = f"For a value of the event's data write ${{data.{name}}}."
        hint += f" The events declare {known}." if known else ""
    return f"There is no {slot} for these events. {hint}"
