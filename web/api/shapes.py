"""What goes in and out as JSON; the domain has the last word on what it means."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

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


def json_text(value: msgspec.Raw) -> str | None:
    text = bytes(value).decode()
    return None if text == "null" else text


def text(body: bytes) -> str:
    return body.decode(errors="replace")
