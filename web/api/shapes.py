"""What goes in and out as JSON; the domain has the last word on what it means."""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from callboard.errors import invalid

T = TypeVar("T")

NULL = msgspec.Raw(b"null")
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def null() -> msgspec.Raw:
    """A factory, because a raw default cannot be told in a JSON schema."""
    return NULL


class Paged(msgspec.Struct, Generic[T]):
    """`next` goes into `cursor` for the page after this one."""

    items: list[T]
    next: str | None


def raw(text: str | None) -> msgspec.Raw:
    """Stored JSON text as it is."""
    return NULL if text is None else msgspec.Raw(text.encode())


def utc(at: datetime | None, field: str) -> datetime | None:
    """Invalid for a time without its zone, or one that no calendar here reaches."""
    if at is not None and at.tzinfo is None:
        raise invalid(field, "zone", "Say in which zone, as in 2026-01-15T09:30:00Z.")
    try:
        return at.astimezone(UTC) if at else None
    except OverflowError:
        raise invalid(field, "out_of_range", "This is before time began.") from None


def json_text(value: msgspec.Raw) -> str | None:
    text = bytes(value).decode()
    return None if text == "null" else text


def text(body: bytes) -> str:
    return body.decode(errors="replace")
