"""The placeholders that an event has values for, for people who write them."""

from collections.abc import Iterator, Mapping

from callboard.payload.placeholders import DATA, FIXED, Slot, is_name
from callboard.payload.values import Facts, Unfilled, Values, items, kind, members

_MOST = 60
_DEEPEST = 4
_LONGEST_VALUE = 80


def listed(
    facts: Facts, short_names: Mapping[str, str], language: str
) -> list[tuple[str, str]]:
    """Each as it is written, with its value; short names come first."""
    values = Values(facts, short_names, language)
    paths = [*([name] for name in short_names), *([name] for name in FIXED)]
    paths += _paths(facts.data.encode(), [DATA])
    found = []
    for path in paths[:_MOST]:
        slot = Slot(tuple(path), 0)
        try:
            found.append((str(slot), _short(values.text(slot))))
        except Unfilled:
            continue
    return found


def _paths(value: bytes, path: list[str]) -> Iterator[list[str]]:
    """To each plain value, of lists to those of the first item."""
    parts: list[tuple[str, bytes]] = []
    if len(path) <= _DEEPEST and kind(value) == b"{":
        parts = [(name, bytes(part)) for name, part in members(value).items()]
    elif len(path) <= _DEEPEST and kind(value) == b"[":
        parts = [("0", bytes(part)) for part in items(value)[:1]]
    elif len(path) > 1:
        yield path
    for name, part in parts:
        if is_name(name) and "." not in name:
            yield from _paths(part, [*path, name])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
