"""What the operators of field conditions ask; capitals make no difference anywhere.

Source: 001_d3445312b08aee35.txt and the vendor's API specification. How values of
different kinds compare is ours: with a number as a number, with a date as a time, else
as text; what cannot be compared does not hold.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import repeat
from typing import TypeAlias

from callboard.matching.anchors import Key
from callboard.matching.date_grammar import NoMoment
from callboard.matching.dates import When, read_time, read_when
from callboard.matching.values import Json, listed, quoted, text_of

MOST_VALUES = 100

# Told a value and the event's time, which relative dates are counted from.
Probe: TypeAlias = Callable[[Json, datetime], bool]

# Where a value stands to another: -1 before it, 0 at or within it, 1 after it.
_Place: TypeAlias = Callable[[Json, datetime], int | None]

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")


class BadOperand(Exception):
    """Its text: what to write instead."""


@dataclass(frozen=True, slots=True)
class Question:
    """Each probe must find a value of the field, or (`needs` is any) one of them.

    `fault` follows the values met in a sentence that says why it does not hold.
    `keys`: if there are some, only a value with one of them can be found.
    """

    probes: tuple[Probe, ...]
    fault: str
    needs: Callable[[list[bool]], bool] = all
    keys: frozenset[Key] = frozenset()

    def holds(self, values: Sequence[Json], at: datetime) -> bool:
        return self.needs([any(map(p, values, repeat(at))) for p in self.probes])


def _equals(text: str) -> Question:
    fault = f"not {quoted(text)}"
    return Question((_equal(text),), fault, keys=_keys_of_words([text]))


def _one_of(text: str, between: str = ",") -> Question:
    words = _words(text, between)
    fault = f"not {listed([quoted(word) for word in words], 'or')}"
    return Question(tuple(map(_equal, words)), fault, any, _keys_of_words(words))


def _in_set(text: str) -> Question:
    """`a,b`: both are there; `a|b`: one of them is."""
    if "|" in text:
        return _one_of(text, "|")
    words = _words(text, ",")
    fault = f"without {listed([quoted(word) for word in words])} together"
    return Question(tuple(map(_equal, words)), fault)


def _textual(fits: Callable[[str, str], bool], verb: str, text: str) -> Question:
    part = _given(text).casefold()

    def probe(value: Json, at: datetime) -> bool:
        met = text_of(value)
        return met is not None and fits(met.casefold(), part)

    return Question((probe,), f"which does not {verb} {quoted(text)}")


def _compared(places: tuple[int, ...], fault: str, text: str) -> Question:
    place = _number(text) or _date_or_text(_given(text))
    return _placed(place, places, f"not {fault} {quoted(text)}")


def _dated(places: tuple[int, ...], fault: str, text: str) -> Question:
    return _placed(_needed_date(text), places, f"not {fault} {quoted(text)}")


def _placed(place: _Place, places: tuple[int, ...], fault: str) -> Question:
    return Question((lambda value, at: place(value, at) in places,), fault)


def _between(text: str) -> Question:
    """Both ends included; a date is its whole day."""
    ends = [end.strip() for end in text.split("|")]
    numbers = [place for end in ends if (place := _number(end))]
    if len(ends) != 2 or len(numbers) == 1:
        raise BadOperand("write two dates or two numbers with | between them")
    least, most = numbers or map(_needed_date, ends)

    def probe(value: Json, at: datetime) -> bool:
        return least(value, at) in (0, 1) and most(value, at) in (-1, 0)

    return Question((probe,), f"not between {quoted(ends[0])} and {quoted(ends[1])}")


OPERATORS: dict[str, Callable[[str], Question]] = {
    "": _equals,
    "not": _equals,  # the condition turns it round
    "in": _one_of,
    "inset": _in_set,
    "contains": partial(_textual, lambda met, part: part in met, "contain"),
    "startswith": partial(_textual, str.startswith, "begin with"),
    "endswith": partial(_textual, str.endswith, "end with"),
    "gt": partial(_compared, (1,), "more than"),
    "gte": partial(_compared, (0, 1), "at least"),
    "lt": partial(_compared, (-1,), "less than"),
    "lte": partial(_compared, (-1, 0), "at most"),
    "before": partial(_dated, (-1,), "before"),
    "after": partial(_dated, (1,), "after"),
    "between": _between,
}


def _equal(text: str) -> Probe:
    """A date without a time equals its whole day."""
    wanted, number, day = text.casefold(), _number(text), _date(text)

    def probe(value: Json, at: datetime) -> bool:
        met = text_of(value)
        if met is None:
            return False
        if number and isinstance(value, int | float):
            return number(value, at) == 0
        return met.casefold() == wanted or bool(day and day(value, at) == 0)

    return probe


def keys_of(value: Json) -> Iterator[Key]:
    """What `_equal` compares: two values with no key in common are not equal."""
    text, number = text_of(value), _as_number(value)
    if text is not None:
        yield text.casefold()
    if number is not None:
        yield number


def _keys_of_words(words: Iterable[str]) -> frozenset[Key]:
    """Empty where one of them is a date, which is equal to all times of its day."""
    if any(map(_date, words)):
        return frozenset()
    return frozenset(key for word in words for key in keys_of(word))


def _number(text: str) -> _Place | None:
    wanted = _as_number(text.strip())
    if wanted is None:
        return None

    def place(value: Json, at: datetime) -> int | None:
        met = _as_number(value)
        return None if met is None else (met > wanted) - (met < wanted)

    return place


def _as_number(value: Json) -> float | None:
    """Numbers are often sent as text; true and false are no numbers."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def _needed_date(text: str) -> _Place:
    try:
        return _dated_by(read_when(text))
    except NoMoment as wrong:
        form = "write a date such as 2026-01-31, -7 days or last monday"
        raise BadOperand(f"{form}; at {wrong.place + 1}, {wrong}") from None


def _date(text: str) -> _Place | None:
    try:
        return _dated_by(read_when(text))
    except NoMoment:
        return None


def _date_or_text(text: str) -> _Place:
    """`may` and `sunday` may be meant as words, too."""
    by_date, by_text = _date(text), _text(text)
    if by_date is None:
        return by_text
    if not text.isalpha():
        return by_date
    return lambda value, at: (
        by_text(value, at) if read_time(value) is None else by_date(value, at)
    )


def _dated_by(when: When) -> _Place:
    def place(value: Json, at: datetime) -> int | None:
        met, span = read_time(value), when(at)
        if met is None:
            return None
        return 0 if met in span else 1 if met > span.begin else -1

    return place


def _text(text: str) -> _Place:
    wanted = text.casefold()

    def place(value: Json, at: datetime) -> int | None:
        met = value.casefold() if isinstance(value, str) else None
        return None if met is None else (met > wanted) - (met < wanted)

    return place


def _words(text: str, between: str) -> list[str]:
    words = [word for each in text.split(between) if (word := each.strip())]
    if not words:
        raise BadOperand(f"write values with {between} between them")
    if len(words) > MOST_VALUES:
        raise BadOperand(f"write at most {MOST_VALUES} values")
    return words


def _given(text: str) -> str:
    if not text:
        raise BadOperand("write a value")
    return text
