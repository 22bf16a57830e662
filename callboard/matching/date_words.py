"""The words of `date_grammar`: what each does to the moment so far.

A day's name, `today` and their like put the clock to midnight, so that `monday 14:00`
has a time and `14:00 monday` has none: this is PHP's way.
"""

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeAlias

from callboard.matching.moments import Moment

Found: TypeAlias = re.Match[str]

_DAY_NAMES = (
    *("sunday", "monday", "tuesday", "wednesday"),
    *("thursday", "friday", "saturday"),
)
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_NTH = (
    *("this", "first", "second", "third", "fourth", "fifth", "sixth", "seventh"),
    *("eighth", "ninth", "tenth", "eleventh", "twelfth"),
)
WEEKDAYS = {name: n for n, day in enumerate(_DAY_NAMES) for name in (day, day[:3])}
MONTHS = {name: n for n, m in enumerate(_MONTH_NAMES, 1) for name in (m, m[:3])}
MONTHS["sept"] = 9
COUNTS = {word: count for count, word in enumerate(_NTH)}
COUNTS |= {"next": 1, "last": -1, "previous": -1}
_SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600}
_UNIT_DAYS = {"day": 1, "fortnight": 14}
_UNIT_MONTHS = {"month": 1, "year": 12}
UNITS = (*_SECONDS, *_UNIT_DAYS, *_UNIT_MONTHS)


class Wrong(Exception):
    """Its text says what is wrong with a word that is known."""


def now(moment: Moment, found: Found) -> Moment:
    return moment


def today(moment: Moment, found: Found) -> Moment:
    return _at_midnight(moment)


def noon(moment: Moment, found: Found) -> Moment:
    return replace(moment, clock=timedelta(hours=12), says_time=True)


def beside_today(moment: Moment, found: Found) -> Moment:
    days = 1 if found[0].lower() == "tomorrow" else -1
    return replace(_at_midnight(moment), days=days)


def edge(moment: Moment, found: Found) -> Moment:
    return replace(moment, edge="last" if found[1].lower() == "last" else "first")


def within(moment: Moment, found: Found) -> Moment:
    """The second friday of; the last friday of."""
    count = COUNTS[found[1].lower()]
    if count < 1 and found[1].lower() != "last":
        raise Wrong("should begin with first or last")
    moment = _weekday_by(moment, count, found[2])
    moment = _at_midnight(moment)
    if count < 0:
        return replace(moment, within="last", choice="after")
    return replace(moment, within="first", choice="from")


def week(moment: Moment, found: Found) -> Moment:
    """Its Monday, if no other day is named."""
    days = moment.days + 7 * COUNTS[found[1].lower()]
    weekday = 1 if moment.weekday is None else moment.weekday
    return replace(moment, days=days, weekday=weekday, choice="week")


def nth(moment: Moment, found: Found) -> Moment:
    """The next friday; the next month."""
    count, name = COUNTS[found[1].lower()], found[2]
    if name.lower() not in WEEKDAYS:
        return _go(moment, count, name)
    moment = _at_midnight(_weekday_by(moment, count, name))
    return replace(moment, choice="after" if count else "from")


def number(moment: Moment, found: Found) -> Moment:
    count = int(found[1] + found[2])
    if found[3].lower() not in WEEKDAYS:
        return _go(moment, count, found[3])
    return replace(_weekday_by(moment, count, found[3]), choice="from")


def weekday(moment: Moment, found: Found) -> Moment:
    moment = replace(_at_midnight(moment), weekday=WEEKDAYS[found[0].lower()])
    return moment if moment.choice == "week" else replace(moment, choice="from")


def ago(moment: Moment, found: Found) -> Moment:
    return moment.ago()


def unix(moment: Moment, found: Found) -> Moment:
    moment = replace(_on(moment, "1970", 1, "1"), clock=timedelta(), says_time=True)
    return replace(moment, seconds=moment.seconds + int(found[1]))


def year_first(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[1], int(found[2]), found[3])


def day_first(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[3], int(found[2]), found[1])


def month_first(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[3], int(found[1]), found[2])


def day_and_month(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[3], MONTHS[found[2].lower()], found[1])


def month_and_day(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[3], MONTHS[found[1].lower()], found[2])


def month_and_year(moment: Moment, found: Found) -> Moment:
    return _on(moment, found[2], MONTHS[found[1].lower()], "1")


def month(moment: Moment, found: Found) -> Moment:
    return _on(moment, None, MONTHS[found[1].lower()], None)


def time(moment: Moment, found: Found) -> Moment:
    hour, minute, second = (int(found[name] or 0) for name in ("h", "m", "s"))
    if half := found["half"]:
        if not 1 <= hour <= 12:
            raise Wrong("is no hour of a day")
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    if moment.says_time:
        raise Wrong("is a second time of day")
    if hour > 24 or max(minute, second) > 59:
        raise Wrong("is no time of day")
    micros = int((found["part"] or "0").ljust(6, "0")[:6])
    clock = timedelta(0, second, micros, 0, minute, hour)
    return replace(moment, clock=clock, says_time=True, zone=_zone(found["zone"]))


def _at_midnight(moment: Moment) -> Moment:
    return replace(moment, clock=timedelta(), says_time=False)


def _go(moment: Moment, count: int, unit: str) -> Moment:
    unit = unit.lower().removesuffix("s")
    count, unit = (7 * count, "day") if unit == "week" else (count, unit)
    months = moment.months + count * _UNIT_MONTHS.get(unit, 0)
    days = moment.days + count * _UNIT_DAYS.get(unit, 0)
    seconds = moment.seconds + count * _SECONDS.get(unit, 0)
    return replace(moment, months=months, days=days, seconds=seconds)


def _weekday_by(moment: Moment, count: int, name: str) -> Moment:
    """The first of them needs no week more, the last before today one less."""
    weeks = count - 1 if count > 0 else count
    return replace(moment, days=moment.days + 7 * weeks, weekday=WEEKDAYS[name.lower()])


def _on(moment: Moment, year: str | None, month: int, day: str | None) -> Moment:
    """PHP lets 30 February be 2 March; here it is a mistake."""
    if moment.names_day:
        raise Wrong("is a second date")
    try:
        date(int(year or 2000), month, int(day or 1))
    except ValueError:
        raise Wrong("is no day of the calendar") from None
    number = int(day) if day else None
    return replace(moment, year=int(year) if year else None, month=month, day=number)


def _zone(text: str | None) -> timedelta:
    digits = (text or "").strip().replace(":", "")
    if not digits or digits.isalpha():
        return timedelta()
    away = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:] or 0))
    if away >= timedelta(days=1):
        raise Wrong("is no zone")
    return -away if digits[0] == "-" else away
