"""Times from outside, in whatever zone they come."""

from collections.abc import Iterator
from datetime import UTC, datetime

from callboard.errors import Problem


def utc(at: datetime | None) -> datetime | None:
    """As it is where UTC has no such year: `check` tells of that."""
    try:
        return at.astimezone(UTC) if at else None
    except OverflowError:
        return at


def check(at: datetime | None, field: str) -> Iterator[Problem]:
    if at is None:
        return
    if at.tzinfo is None:
        text = "Say in which zone, as in 2026-01-15T09:30:00Z."
        yield Problem(field, "zone", text)
        return
    try:
        at.astimezone(UTC)
    except OverflowError:
        text = "Give a time of the years 1 to 9999 in UTC."
        yield Problem(field, "out_of_range", text)
