"""The selector filter: `role=MEMBER;addresses(isMain).zipCode=13.*`.

Conditions must all hold, each by itself. A condition names a path, and the whole value
there as a regular expression. In a list, `(*)` takes any element, `(flag)` those whose
flag is true, `(field=value)` those whose field matches. What is missing or null matches
nothing. Source: 000_755e78b1842de18c.txt; that a value is matched whole, and how names
are spelled, is inferred.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from callboard.matching.anchors import Anchor, Key
from callboard.matching.regexes import Pattern
from callboard.matching.subject import Subject
from callboard.matching.values import MOST_ELEMENTS, Json, shown, shown_all, text_of
from callboard.matching.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Choice:
    """The elements of a list whose field matches."""

    names: tuple[str, ...]
    pattern: Pattern

    def takes(self, element: Json) -> bool:
        return self.pattern.matches(_member(element, self.names))


@dataclass(frozen=True, slots=True)
class Step:
    """`names`: the spellings of a name, the written one first.

    `is_list`: its elements are meant, those that `choice` takes or all of them.
    """

    text: str
    names: tuple[str, ...]
    is_list: bool = False
    choice: Choice | None = None

    def follow(self, values: list[Json]) -> list[Json]:
        members = [_member(value, self.names) for value in values]
        if not self.is_list:
            return [member for member in members if member is not None]
        lists = [member for member in members if isinstance(member, list)]
        found = islice(chain.from_iterable(lists), MOST_ELEMENTS)
        choice = self.choice
        return [each for each in found if choice is None or choice.takes(each)]


@dataclass(frozen=True, slots=True)
class Condition:
    path: tuple[Step, ...]
    pattern: Pattern

    @property
    def anchor(self) -> Anchor | None:
        word = self.pattern.word
        return Anchor(_Path(self.path), frozenset([word])) if word else None

    def holds(self, subject: Subject) -> bool:
        return any(map(self.pattern.matches, _reached(self.path, subject.data)))

    def explain(self, subject: Subject) -> Verdict:
        values = _reached(self.path, subject.data)
        for value in values:
            if self.pattern.matches(value):
                return Verdict(True, f"{_text(self.path)} is {shown(value)}")
        if not values:
            return Verdict(False, self._missing(subject.data))
        if all(isinstance(value, list) for value in values):
            return Verdict(False, _list_hint(self.path))
        met = f"{_text(self.path)} is {shown_all(values)}"
        return Verdict(False, f"{met}, not {self.pattern.text}")

    def _missing(self, data: Json) -> str:
        """Says which step is the first that leads nowhere."""
        before, done = [data], 0
        while values := self.path[done].follow(before):
            before, done = values, done + 1
        if done and all(isinstance(value, list) for value in before):
            return _list_hint(self.path[:done])
        return f"there is no {_text(self.path[: done + 1])}"


@dataclass(frozen=True, slots=True)
class _Path:
    steps: tuple[Step, ...]

    def keys(self, subject: Subject) -> Iterator[Key]:
        for value in _reached(self.steps, subject.data):
            if (text := text_of(value)) is not None:
                yield text


def _reached(path: Iterable[Step], data: Json) -> list[Json]:
    values = [data]
    for step in path:
        values = step.follow(values)
    return values


def _member(value: Json, names: tuple[str, ...]) -> Json:
    if isinstance(value, dict):
        for name in names:
            if name in value:
                return value[name]
    return None


def _text(path: tuple[Step, ...]) -> str:
    return ".".join(step.text for step in path)


def _list_hint(path: tuple[Step, ...]) -> str:
    name = _text(path)
    return f"{name} is a list; write {name}(*) for any of its elements"
