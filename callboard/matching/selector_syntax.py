"""Reads a selector filter; every mistake is told with its place, counted from 1.

    filter    = condition *( ";" condition )     ; a line end separates, too
    condition = step *( "." step ) "=" value
    step      = name [ "(" ( "*" / name / name "=" value ) ")" ]

A value is a regular expression. It ends at `;`, or in a list at the closing bracket:
`\\;` and `\\)` belong to it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from callboard.errors import Problem
from callboard.matching.regexes import BadPattern, Pattern, compile_pattern
from callboard.matching.selectors import Choice, Condition, Step
from callboard.matching.verdict import AllOf

_FIELD = "filter"

LONGEST_FILTER = 4000
MOST_CONDITIONS = 20

_PIECE = re.compile(r"(?:[^;\n\\]|\\.?)+")
_NAME = re.compile(r"[^\s.=();\\*]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK = re.compile(r"\s*")
_LISTED_VALUE = re.compile(r"(?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*")
_TRUE = Pattern("true")


class Mistake(Exception):
    """`place` is counted from 0; `hint` says what to do where `wrong` does not."""

    def __init__(self, wrong: str, place: int, hint: str = "") -> None:
        super().__init__(wrong)
        self.position = place + 1
        self.message = f"{wrong} at {self.position}{hint and ': '}{hint}."


def compile_selectors(text: str) -> AllOf | None:
    """None for an empty filter. The text has been through `check_filter`."""
    pieces = list(_pieces(text))
    if not pieces:
        return None
    return AllOf("filter", tuple(piece.condition() for piece in pieces))


def check_filter(text: str) -> list[Problem]:
    if len(text) > LONGEST_FILTER:
        message = f"Use at most {LONGEST_FILTER} characters."
        return [Problem(_FIELD, "too_long", message)]
    if found := _CONTROLS.search(text):
        message = f"Remove the control character at {found.start() + 1}."
        return [Problem(_FIELD, "characters", message, found.start() + 1)]
    pieces = list(_pieces(text))
    if len(pieces) > MOST_CONDITIONS:
        message = f"Write at most {MOST_CONDITIONS} conditions."
        return [Problem(_FIELD, "too_many", message)]
    return [problem for piece in pieces for problem in _check(piece)]


def _check(piece: "_Reader") -> Iterator[Problem]:
    try:
        piece.condition()
    except Mistake as mistake:
        yield Problem(_FIELD, "syntax", mistake.message, mistake.position)


def _pieces(text: str) -> "Iterator[_Reader]":
    for found in _PIECE.finditer(text):
        if found[0].strip():
            yield _Reader(text, found.start(), found.end())


@dataclass(slots=True)
class _Reader:
    """One condition of the text, read from left to right."""

    text: str
    at: int
    end: int

    def condition(self) -> Condition:
        path = [self._step()]
        while self._takes("."):
            path.append(self._step())
        if not self._takes("="):
            raise Mistake("Expected =", self.at, "end with a value, as in role=MEMBER")
        return Condition(tuple(path), self._pattern(self.end))

    def _step(self) -> Step:
        begin, name = self._name("a field's name")
        if not self._takes("("):
            return Step(name, spellings(name))
        choice = None if self._takes("*") else self._choice()
        if not self._takes(")"):
            raise Mistake("Expected )", self.at)
        text = self.text[begin : self.at].strip()
        return Step(text, spellings(name), True, choice)

    def _choice(self) -> Choice:
        _, name = self._name("*, a flag or field=value")
        if not self._takes("="):
            return Choice(spellings(name), _TRUE)
        found = _LISTED_VALUE.match(self.text, self.at, self.end)
        return Choice(spellings(name), self._pattern(found.end() if found else self.at))

    def _name(self, wanted: str) -> tuple[int, str]:
        self._skip_blanks()
        begin = self.at
        found = _NAME.match(self.text, begin, self.end)
        if not found:
            raise Mistake(f"Expected {wanted}", begin)
        self.at = found.end()
        return begin, found[0]

    def _pattern(self, end: int) -> Pattern:
        self._skip_blanks()
        text = self.text[self.at : end].strip()
        if not text:
            raise Mistake("Expected a value", self.at, "write ^$ for an empty text")
        try:
            pattern = compile_pattern(text)
        except BadPattern as bad:
            raise Mistake(bad.wrong, self.at + bad.place, bad.hint) from None
        self.at = end
        return pattern

    def _takes(self, sign: str) -> bool:
        found = self._peeks(sign)
        self.at += found
        return found

    def _peeks(self, sign: str) -> bool:
        self._skip_blanks()
        return self.at < self.end and self.text[self.at] == sign

    def _skip_blanks(self) -> None:
        found = _BLANK.match(self.text, self.at, self.end)
        self.at = found.end() if found else self.at


def spellings(name: str) -> tuple[str, ...]:
    """The first letter's case is free, and `isMain` also stands for `main`."""
    found = [name, name[:1].swapcase() + name[1:]]
    if len(name) > 2 and name.startswith("is") and name[2].isupper():
        found += [name[2].lower() + name[3:], name[2:]]
    return tuple(dict.fromkeys(found))
