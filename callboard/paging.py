"""Keyset pages: a cursor says after which row to go on, whatever came in meanwhile."""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from callboard.errors import Invalid, Problem, invalid

MOST = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is the cursor of the page after this one; None at the end."""

    items: list[T]
    next: str | None


def page_of(rows: list[T], limit: int, key: Callable[[T], str]) -> Page[T]:
    """Of `limit` rows and one more if there are more; `key` is what they go by."""
    items = rows[:limit]
    return Page(items, encode_cursor(key(items[-1])) if len(rows) > limit else None)


def encode_cursor(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, ValueError):
        raise wrong_cursor() from None


def wrong_cursor() -> Invalid:
    text = "Use the cursor of the page before, unchanged."
    return invalid("cursor", "cursor", text)


def check(cursor: str | None, limit: int = MOST) -> Iterator[Problem]:
    try:
        decode_cursor(cursor or "")
    except Invalid as error:
        yield from error.problems
    if not 1 <= limit <= MOST:
        yield Problem("limit", "out_of_range", f"Ask for 1 to {MOST} at once.")
