"""Regular expressions for values, by an engine whose time is linear in the text."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import re2

from callboard.matching.values import Json, text_of

LONGEST_PATTERN = 250
LONGEST_VALUE = 4096  # a longer one matches nothing

_MEMORY = 256 * 1024  # for the compiled pattern and its states: bounds its size


class BadPattern(Exception):
    """`place`: where in the pattern, from 0; `hint`: what to do about it."""

    def __init__(self, wrong: str, place: int = 0, hint: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.place = place
        self.hint = hint


@dataclass(frozen=True)
class Pattern:
    """Matches the whole value. A plain word, or how it begins, needs no engine."""

    text: str

    @property
    def word(self) -> str | None:
        """All that it matches, where that is one text."""
        return self.text if self.text.isalnum() else None

    def matches(self, value: Json) -> bool:
        text = text_of(value)
        if text is None or len(text) > LONGEST_VALUE:
            return False
        return self._fits(text)

    @cached_property
    def _fits(self) -> Callable[[str], bool]:
        if self.word:
            return self.word.__eq__
        begin = self.text.removesuffix(".*")
        if begin.isalnum():
            return lambda text: text.startswith(begin)
        regex = _compile(self.text)
        return lambda text: regex.fullmatch(text.encode()) is not None


def compile_pattern(text: str) -> Pattern:
    if len(text) > LONGEST_PATTERN:
        hint = f"use at most {LONGEST_PATTERN} characters"
        raise BadPattern("The value is too long", LONGEST_PATTERN, hint)
    try:
        _compile(text)
    except re2.error as error:
        raise _explained(text, error.args[0].decode(errors="replace")) from None
    return Pattern(text)


def _compile(text: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True
    return re2.compile(text.encode(), options)


def _explained(text: str, error: str) -> BadPattern:
    """The engine names the fragment that is wrong; its place is found from that."""
    if error.startswith("pattern too large"):
        return BadPattern("The value repeats too much", 0, "make it smaller")
    wrong, _, fragment = error.partition(": ")
    hint = "write \\ before a sign that is meant as it is"
    if fragment.startswith("(?"):
        hint = "look-around and back references are not known here"
    wrong = f"The regular expression is wrong ({wrong})"
    return BadPattern(wrong, max(text.find(fragment), 0), hint)
