"""Dates and times in conditions, and those they are compared with.

What a condition names is read as PHP reads it, counted from the event: 2018-01-02,
12/31/2018, 31-12-2018, today, -7 days, last monday. What an event's data names is a
date of these three forms, with a time as in RFC 3339, or a number of seconds since
1970. What names no zone is UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

from callboard.matching.date_grammar import read_moment
from callboard.matching.moments import Span
from callboard.matching.values import Json

_FORMS = (
    (re.compile(r"(\d{4})[-.](\d\d)[-.](\d\d)(.*)", re.DOTALL), (0, 1, 2)),
    (re.compile(r"(\d\d)/(\d\d)/(\d{4})(.*)", re.DOTALL), (2, 0, 1)),
    (re.compile(r"(\d\d)-(\d\d)-(\d{4})(.*)", re.DOTALL), (2, 1, 0)),
)
_LONGEST = 40

When: TypeAlias = Callable[[datetime], Span]


def read_when(text: str) -> When:
    """What a condition means by a date, told the event's time. Raises NoMoment."""
    return lru_cache(maxsize=1)(read_moment(text).at)  # an event has many values


def read_time(value: Json) -> datetime | None:
    """When a value says that something was: a text, or seconds since 1970."""
    if isinstance(value, str):
        return _read(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _read(text: str) -> datetime | None:
    if len(text) > _LONGEST:
        return None
    for form, order in _FORMS:
        if found := form.fullmatch(text):
            year, month, day = (found[place + 1] for place in order)
            return _time(f"{year}-{month}-{day}{found[4]}")
    return None


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
