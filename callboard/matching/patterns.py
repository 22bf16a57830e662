"""Which event types a webhook listens to: exact names and patterns such as `contact.*`.

`*` is a whole last segment and stands for one or more; alone it means every type.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from callboard.errors import Problem

LONGEST_NAME = 128
MOST_PATTERNS = 1000

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_MOST_PROBLEMS = 10
_REMEMBERED = 1_000_000

W = TypeVar("W")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Patterns:
    everything: bool
    exact: frozenset[str]
    prefixes: tuple[str, ...]  # each with its dot: "contact."

    def matches(self, type: str) -> bool:
        return self.everything or type in self.exact or type.startswith(self.prefixes)


def compile_patterns(events: Iterable[str]) -> Patterns:
    """`events` have been through `check_events`; types through `check_type_name`."""
    names = set(events)
    prefixes = sorted(name[:-1] for name in names if name.endswith(".*"))
    exact = frozenset(name for name in names if not name.endswith("*"))
    return Patterns("*" in names, exact, tuple(prefixes))


class Matcher(Generic[W, C]):
    """All live webhooks of an account, asked which of them want a type.

    A look-up costs as much as there are webhooks that want the type, and nearly
    nothing when the type has been asked for before: what `collect` makes of them then
    is kept.
    """

    def __init__(
        self,
        webhooks: Iterable[tuple[W, Patterns]],
        collect: Callable[[Iterable[W]], C],
    ) -> None:
        self._collect = collect
        self._webhooks: list[W] = []
        self._everything: list[int] = []
        self._exact: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._known: dict[str, C] = {}
        self._remembered = 0
        for webhook, patterns in webhooks:
            self._add(webhook, patterns)

    def wanted(self, type: str) -> C:
        """The webhooks that listen to the type, in the order they were given."""
        known = self._known.get(type)
        return self._remember(type) if known is None else known

    def _add(self, webhook: W, patterns: Patterns) -> None:
        place = len(self._webhooks)
        self._webhooks.append(webhook)
        if patterns.everything:
            self._everything.append(place)
        for name in patterns.exact:
            self._exact.setdefault(name, []).append(place)
        for prefix in patterns.prefixes:
            self._prefixes.setdefault(prefix, []).append(place)

    def _remember(self, type: str) -> C:
        found = [self._webhooks[place] for place in sorted(self._places(type))]
        self._remembered += len(found) + 1
        if self._remembered > _REMEMBERED:  # thousands of types, each with thousands
            self._known.clear()
            self._remembered = len(found) + 1
        collected = self._known[type] = self._collect(found)
        return collected

    def _places(self, type: str) -> set[int]:
        places = {*self._everything, *self._exact.get(type, ())}
        for dot in re.finditer(r"\.", type):
            places.update(self._prefixes.get(type[: dot.end()], ()))
        return places


def check_type_name(name: str, field: str = "name") -> list[Problem]:
    if len(name) > LONGEST_NAME:
        message = f"Use at most {LONGEST_NAME} characters."
        return [Problem(field, "too_long", message)]
    if not _NAME.fullmatch(name):
        message = (
            "Write words of letters, digits, - and _, joined by dots,"
            " such as contact.created."
        )
        return [Problem(field, "name", message)]
    return []


def check_events(
    events: Collection[str], known: Collection[str], field: str = "events"
) -> list[Problem]:
    """A pattern may wait for types that do not exist yet; an exact name may not."""
    if not events:
        return [
            Problem(field, "empty", "Choose at least one event type, or * for all.")
        ]
    if len(events) > MOST_PATTERNS:
        message = f"List at most {MOST_PATTERNS} types; a pattern such as a.* helps."
        return [Problem(field, "too_many", message)]
    names = frozenset(known)
    problems = (
        problem
        for place, event in enumerate(events)
        for problem in _check_event(event, names, f"{field}.{place}")
    )
    return list(islice(problems, _MOST_PROBLEMS))  # each looks for near names


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that could have been meant, the nearest first."""
    names = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name[:LONGEST_NAME].lower(), names, n=3)
    return [names[one] for one in near]


def unknown_type(name: str, known: Iterable[str], field: str = "type") -> Problem:
    near = nearest(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    shown = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    message = f"There is no event type {shown} in the catalogue.{hint}"
    return Problem(field, "unknown_type", message)


def _check_event(event: str, known: frozenset[str], field: str) -> list[Problem]:
    if event == "*":
        return []
    problems = check_type_name(event.removesuffix(".*"), field)
    if "*" in event and problems:
        message = "Write * alone or as the whole last part, such as contact.*."
        return [Problem(field, "pattern", message)]
    if problems or event.endswith(".*") or event in known:
        return problems
    return [unknown_type(event, known, field)]
