"""Dates and times in conditions, and those they are compared with.

Written as 2018-01-02, 12/31/2018 or 31-12-2018, with a time as in RFC 3339, or relative
to the event: today, -7 days. What names no zone is UTC.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from callboard.matching.values import Json

_DAY = timedelta(days=1)
_FORMS = (
    (re.compile(r"(\d{4})[-.](\d\d)[-.](\d\d)(.*)", re.DOTALL), (0, 1, 2)),
    (re.compile(r"(\d\d)/(\d\d)/(\d{4})(.*)", re.DOTALL), (2, 0, 1)),
    (re.compile(r"(\d\d)-(\d\d)-(\d{4})(.*)", re.DOTALL), (2, 1, 0)),
)
_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SPAN = re.compile(r"([+-]?\d{1,5}) *(minute|hour|day|week)s?( ago)?", re.IGNORECASE)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Span:
    """A day, from `begin` up to but not including `end`; an instant has no length."""

    begin: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.begin <= at < self.end or at == self.begin


When: TypeAlias = Callable[[datetime], Span]


def read_when(text: str) -> When | None:
    """What a condition means by a date, told the event's time; None for no date."""
    text = text.strip()
    span = _read(text)
    if span is not None:
        return lambda at: span
    if text.lower() in _WORDS:
        days = _WORDS[text.lower()] * _DAY
        return lambda at: _day(at + days)
    if text.lower() == "now":
        return lambda at: Span(at, at)
    found = _SPAN.fullmatch(text)
    if found is None or (found[3] and not found[1].isdigit()):
        return None
    count = int(found[1]) * (-1 if found[3] else 1)
    away = timedelta(**{found[2].lower() + "s": count})
    return lambda at: Span(at + away, at + away)


def read_time(value: Json) -> datetime | None:
    """When a value says that something was: a text, or seconds since 1970."""
    if isinstance(value, str):
        span = _read(value.strip())
        return span.begin if span else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _read(text: str) -> Span | None:
    if len(text) > _LONGEST:
        return None
    for form, order in _FORMS:
        if found := form.fullmatch(text):
            year, month, day = (found[place + 1] for place in order)
            return _span(f"{year}-{month}-{day}", found[4])
    return None


def _span(day: str, time: str) -> Span | None:
    try:
        at = datetime.fromisoformat(day + time)
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        return Span(at, at) if time else Span(at, at + _DAY)
    except (ValueError, OverflowError):
        return None


def _day(at: datetime) -> Span:
    begin = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(begin, begin + _DAY)
