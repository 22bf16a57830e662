"""Field conditions: `{"status": "ACTIVE", "region.id:in": "3,7", "0": "tags:isnull"}`.

A field is a path with dots; behind a colon stands an operator, without one the value
must be equal. All conditions must hold. Under a key that is a number the value is a
whole condition, for operators without a value and for fields that come twice. Of a list
on the way any element will do, for `not` none may. Null is as good as missing.
Source: 001_d3445312b08aee35.txt and the vendor's API specification.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from callboard.errors import Problem
from callboard.matching.anchors import Anchor, Key
from callboard.matching.operators import OPERATORS, BadOperand, Question, keys_of
from callboard.matching.subject import Subject
from callboard.matching.values import MOST_ELEMENTS, Json, shown_all, text_of
from callboard.matching.verdict import AllOf, Verdict

MOST_CONDITIONS = 20
LONGEST_KEY = 200
LONGEST_VALUE = 4000
WITHOUT_VALUE = ("isnull", "isnotnull")

_NAMES = (*filter(None, OPERATORS), *WITHOUT_VALUE)


@dataclass(frozen=True, slots=True)
class Condition:
    """`question` is None for those that only ask whether there is something.

    `wanted`: whether it must hold or must not.
    """

    path: tuple[str, ...]
    question: Question | None
    wanted: bool

    @property
    def anchor(self) -> Anchor | None:
        if self.question is None or not self.wanted or not self.question.keys:
            return None
        return Anchor(_Field(self.path), self.question.keys)

    def holds(self, subject: Subject) -> bool:
        return self._holds(_reached(subject.data, self.path), subject)

    def explain(self, subject: Subject) -> Verdict:
        values = _reached(subject.data, self.path)
        passes = self._holds(values, subject)
        met = f"{'.'.join(self.path)} is {shown_all(values) if values else 'missing'}"
        return Verdict(passes, met if passes or not values else met + self._fault())

    def _holds(self, values: Sequence[Json], subject: Subject) -> bool:
        if self.question is None:
            return bool(values) is self.wanted
        return self.question.holds(values, subject.at) is self.wanted

    def _fault(self) -> str:
        if self.question is None:
            return ", but must be missing"
        return f", {self.question.fault}" if self.wanted else ", which is not wanted"


@dataclass(frozen=True, slots=True)
class _Field:
    path: tuple[str, ...]

    def keys(self, subject: Subject) -> Iterator[Key]:
        for value in _reached(subject.data, self.path):
            yield from keys_of(value)


class Mistake(Exception):
    """Its text is a sentence; `code` names the kind."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def takes_value(key: str) -> bool:
    """Whether a condition under this key is one that compares."""
    return key.rpartition(":")[2].strip().lower() not in WITHOUT_VALUE


def compile_conditions(wanted: Mapping[str, Json]) -> AllOf | None:
    """None where there are none. They have been through `check_conditions`."""
    read = tuple(_read(key, value) for key, value in wanted.items())
    return AllOf("conditions", read) if read else None


def check_conditions(wanted: Mapping[str, Json]) -> list[Problem]:
    if len(wanted) > MOST_CONDITIONS:
        text = f"Write at most {MOST_CONDITIONS} conditions."
        return [Problem("conditions", "too_many", text)]
    problems = []
    for key, value in wanted.items():
        try:
            _read(key, value)
        except Mistake as mistake:
            where = f"conditions.{key[:60]}"
            problems.append(Problem(where, mistake.code, str(mistake)))
    return problems


def _read(key: str, value: Json) -> Condition:
    if key.isascii() and key.isdigit():
        if not isinstance(value, str):
            text = "Under a number, write a whole condition, such as tags:isnull."
            raise Mistake("value", text)
        key, _, value = value.partition("=")
    name, _, operator = key.strip().rpartition(":") if ":" in key else (key, "", "")
    path, operator = _path(name, key), operator.strip().lower()
    if operator in WITHOUT_VALUE:
        if value not in ("", None, True):
            text = f"Leave the value of {operator} empty, or leave {operator} out."
            raise Mistake("value", text)
        return Condition(path, None, operator == "isnotnull")
    return Condition(path, _question(operator, key, value), operator != "not")


def _path(name: str, key: str) -> tuple[str, ...]:
    if len(key) > LONGEST_KEY:
        raise Mistake("too_long", f"Use at most {LONGEST_KEY} characters for a field.")
    steps = [step.strip() for step in name.split(".")]
    if not all(steps):
        place = len(".".join(steps[: steps.index("")])) + 1
        text = f"Expected a field's name at {place}, such as status or region.id."
        raise Mistake("field", text)
    return tuple(steps)


def _question(operator: str, key: str, value: Json) -> Question:
    if operator not in OPERATORS:
        near = difflib.get_close_matches(operator, _NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use {', '.join(_NAMES)}."
        place = key.rindex(":") + 2
        raise Mistake("operator", f"There is no operator {operator} at {place}: {hint}")
    try:
        return OPERATORS[operator](_operand(operator, value))
    except BadOperand as expected:
        raise Mistake("value", f"Expected another value: {expected}.") from None


def _operand(operator: str, value: Json) -> str:
    if isinstance(value, list):
        value = _joined(operator, value)
    text = text_of(value)
    if text is None:
        raise BadOperand("write a text, or use isnull and isnotnull")
    if len(text) > LONGEST_VALUE:
        raise BadOperand(f"use at most {LONGEST_VALUE} characters")
    return text.strip()


def _joined(operator: str, values: list[Json]) -> str:
    if operator not in ("in", "inset", "between"):
        raise BadOperand("write one text, number, true or false")
    sign = "|" if operator == "between" else ","
    words = [text for each in values if (text := text_of(each)) is not None]
    if len(words) < len(values) or any(sign in word for word in words):
        raise BadOperand(f"write texts without {sign}, numbers, true or false")
    return sign.join(words)


def _reached(data: Json, path: tuple[str, ...]) -> list[Json]:
    """Without nulls; `region.id` is also there where the region is only its id."""
    value = data
    for place, name in enumerate(path):
        if not isinstance(value, dict):
            return _reached_around([value], path[place:], bool(place))
        value = value.get(name)
    found = value if isinstance(value, list) else [value]
    return [each for each in found[:MOST_ELEMENTS] if each is not None]


def _reached_around(
    found: list[Json], path: tuple[str, ...], is_inside: bool
) -> list[Json]:
    """Where not all on the way are objects."""
    for name in path:
        found = list(islice(_members(found, name, is_inside), MOST_ELEMENTS))
        is_inside = True
    flat = islice(_flat(found), MOST_ELEMENTS)
    return [value for value in flat if value is not None]


def _members(values: list[Json], name: str, is_inside: bool) -> Iterator[Json]:
    for value in islice(_flat(values), MOST_ELEMENTS):
        if isinstance(value, dict):
            if name in value:
                yield value[name]
        elif is_inside and name == "id" and value is not None:
            yield value


def _flat(values: list[Json]) -> Iterator[Json]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
