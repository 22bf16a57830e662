"""Reads a moment as PHP's strtotime does: `last monday`, `+1 week 2 days`,
`first day of next month noon`, `@86400`, `2026-01-31 14:00 -2 hours`.

Words are read from left to right. Not taken is what PHP also knows, but people do not
mean: single letters for zones, and numbers alone for a year or a time of day. Nor are
business days and the zones of cities.
Source: php.net/manual/en/datetime.formats.php, named by 001_d3445312b08aee35.txt.
"""

import difflib
import re
from collections.abc import Callable
from typing import TypeAlias

from callboard.matching import date_words as words
from callboard.matching.moments import Moment

LONGEST = 100

_Change: TypeAlias = Callable[[Moment, words.Found], Moment]

_PARTS = {
    "day": "|".join(sorted(words.WEEKDAYS, key=len, reverse=True)),
    "month": "|".join(sorted(words.MONTHS, key=len, reverse=True)),
    "nth": "|".join(words.COUNTS),
    "unit": "(?:" + "|".join(words.UNITS) + ")s?",
    "th": "(?:st|nd|rd|th)?",
    "zone": r" ?(?:z|utc|gmt)|[+-]\d\d(?::?\d\d)?| [+-]\d\d:?\d\d",
}
_SECOND = r"(?::(?P<s>\d\d)(?:[.,](?P<part>\d{{1,9}}))?)?"
_HALF = r" ?(?P<half>[ap])\.?m\.?"
_CLOCK = rf"t?(?P<h>\d\d?):(?P<m>\d\d){_SECOND}(?:{_HALF})?(?P<zone>{{zone}})?"
_HOUR = rf"(?P<h>\d\d?){_HALF}(?P<m>)(?P<s>)(?P<part>)(?P<zone>{{zone}})?"
_END = r"(?!\w)|(?<=\d)(?=t\d)"  # or the T before a time

# The first that fits is taken. Each looks at no more than a line of the text.
_FORMS: tuple[tuple[str, _Change], ...] = (
    (r"now", words.now),
    (r"today|midnight", words.today),
    (r"noon", words.noon),
    (r"tomorrow|yesterday", words.beside_today),
    (r"(first|last) day of", words.edge),
    (r"({nth}) ({day}) of", words.within),
    (r"(this|next|last|previous) week", words.week),
    (r"({nth}) ({unit}|{day})", words.nth),
    (r"([+-]?) ?(\d{{1,5}}) ?({unit}|weeks?|{day})", words.number),
    (r"ago", words.ago),
    (r"@(-?\d{{1,11}})", words.unix),
    (r"(\d{{4}})[-.](\d\d)[-.](\d\d)", words.year_first),
    (r"(\d\d?)[-.](\d\d?)[-.](\d{{4}})", words.day_first),
    (r"(\d\d?)/(\d\d?)/(\d{{4}})", words.month_first),
    (r"({month})[ .-]?(\d{{4}})", words.month_and_year),
    (r"({month})[ .-]?(\d\d?){th}(?:[ ,-]{{1,2}}(\d{{4}}))?(?!:)", words.month_and_day),
    (r"(\d\d?){th}[ .-]?({month})(?:[ ,.-]{{1,2}}(\d{{4}}))?", words.day_and_month),
    (r"({month})", words.month),
    (r"({day})", words.weekday),
    (_CLOCK, words.time),
    (_HOUR, words.time),
)


def _compiled(form: str) -> re.Pattern[str]:
    whole = f"(?:{form.format(**_PARTS)})(?:{_END})"
    return re.compile(whole, re.IGNORECASE | re.ASCII)


_RULES = tuple((_compiled(form), change) for form, change in _FORMS)
_VOCABULARY = (
    *("now", "today", "midnight", "noon", "tomorrow", "yesterday", "ago", "week"),
    *words.WEEKDAYS,
    *words.MONTHS,
    *words.COUNTS,
    *words.UNITS,
    *(f"{unit}s" for unit in words.UNITS),
)
_UNKNOWN = re.compile(r"(?:[+-]? ?\d+ )?([^\s,]*)")


class NoMoment(Exception):
    """`place`: of what cannot be read, from 0; the text says what is wrong there."""

    def __init__(self, wrong: str, place: int) -> None:
        super().__init__(wrong)
        self.place = place


def read_moment(text: str) -> Moment:
    """Takes time that is linear in the text. Raises NoMoment."""
    if len(text) > LONGEST:
        raise NoMoment(f"a date takes at most {LONGEST} characters", LONGEST)
    moment, place = Moment(), _skip(text, 0)
    if place == len(text):
        raise NoMoment("there is nothing", 0)
    while place < len(text):
        moment, end = _word(text, place, moment)
        place = _skip(text, end)
    return moment


def _word(text: str, place: int, moment: Moment) -> tuple[Moment, int]:
    for form, change in _RULES:
        if found := form.match(text, place):
            try:
                return change(moment, found), found.end()
            except words.Wrong as wrong:
                raise NoMoment(f"“{found[0]}” {wrong}", place) from None
    unknown = _UNKNOWN.match(text, place)
    assert unknown is not None
    raise NoMoment(f"“{unknown[0]}” is not known{_hint(unknown[1].lower())}", place)


def _hint(word: str) -> str:
    near = difflib.get_close_matches(word, _VOCABULARY, n=1)
    return f", did you mean {near[0]}?" if near and near[0] != word else " alone"


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t,":
        place += 1
    return place
