"""A moment as PHP writes it, counted from the time of an event.

What is counted, and in which order, is PHP's: first the weekday, then months and days
together, then the first or last day of the month. A day that a month lacks runs over
into the next: a month after 31 January is 3 March (or 2, in a leap year). Only where
years are counted before a weekday, as in "first monday of january next year", PHP ends
on another day of the week; here it is the one that is asked for. All in UTC.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

_DAY = timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC) - _DAY
_FIRST = datetime.min.replace(tzinfo=UTC)

# Which of the days of a name: one after today, today or one after, one of this week.
Choice = Literal["after", "from", "week"]


@dataclass(frozen=True, slots=True)
class Span:
    """A day, from `begin` up to but not including `end`; an instant has no length."""

    begin: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.begin <= at < self.end or at == self.begin


@dataclass(frozen=True, slots=True)
class Moment:
    """None stands for what the event's time has there.

    `clock`: the time of day; `says_time`: somebody wrote it. `zone`: how far it is
    ahead of UTC. `months`, `days`, `seconds`: to go from there. `weekday`: 0 is Sunday;
    `ago` makes it negative, and Sunday -7. `edge`: go to that day of the month.
    `within`: count weekdays from there, as in "last friday of".
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    clock: timedelta | None = None
    says_time: bool = False
    zone: timedelta = timedelta()
    months: int = 0
    days: int = 0
    seconds: int = 0
    weekday: int | None = None
    choice: Choice = "after"
    edge: Literal["first", "last"] | None = None
    within: Literal["first", "last"] | None = None

    @property
    def names_day(self) -> bool:
        return (self.year, self.month, self.day) != (None, None, None)

    def ago(self) -> "Moment":
        weekday = -(self.weekday or 7) if self.weekday is not None else None
        back = replace(self, months=-self.months, days=-self.days, weekday=weekday)
        return replace(back, seconds=-self.seconds)

    def at(self, now: datetime) -> Span:
        """A whole day where no time of day is known. What is further away than
        calendars go is as far away as they do."""
        try:
            begin = self._begin(now)
        except (OverflowError, ValueError):
            away = self.months * 31 + self.days + self.seconds / 86_400
            begin = _LAST if away > 0 else _FIRST
        return Span(begin, begin if self._is_instant else begin + _DAY)

    @property
    def _is_instant(self) -> bool:
        has_clock = self.clock is not None or self.names_day
        return self.says_time or bool(self.seconds) or not has_clock

    def _begin(self, now: datetime) -> datetime:
        midnight = datetime.combine(self._date(now), datetime.min.time(), UTC)
        clock = self.clock
        if clock is None and not self.names_day:
            clock = now - datetime.combine(now, datetime.min.time(), UTC)
        away = timedelta(seconds=self.seconds)
        begin = midnight + (clock or timedelta()) + away - self.zone
        return min(begin, _LAST)

    def _date(self, now: datetime) -> date:
        year, month, day = self.year, self.month, self.day
        year = now.year if year is None else year
        month = now.month if month is None else month
        day = (1 if self.edge else now.day) if day is None else day
        months = self.months
        if self.within:
            month, day, months = month + months + (self.within == "last"), 1, 0
        found = _normal(year, month, day)
        if self.weekday is not None:
            found += timedelta(days=self._to_weekday(found, self.weekday))
        month, day = found.month + months, found.day + self.days
        if self.edge:
            month, day = month + (self.edge == "last"), int(self.edge == "first")
        return _normal(found.year, month, day)

    def _to_weekday(self, found: date, wanted: int) -> int:
        today = found.isoweekday() % 7
        if self.choice == "week":
            return _in_week(wanted, today) - today
        if wanted < 0:
            return -7 - wanted - today
        away = wanted - today
        least = 0 if self.choice == "from" or self.days < 0 else 1
        return away + 7 if away < least else away


def _in_week(wanted: int, today: int) -> int:
    """Weeks end with Sunday, but the names are counted from it."""
    if today == 0 and wanted != 0:
        return wanted - 7
    return 7 if wanted == 0 and today != 0 else wanted


def _normal(year: int, month: int, day: int) -> date:
    """The 31st of a month of 30 days is the first of the next; so are all others."""
    years, month = divmod(month - 1, 12)
    first = date(year + years, month + 1, 1).toordinal()
    return date.fromordinal(first + day - 1)
