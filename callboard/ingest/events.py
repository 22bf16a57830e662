"""Events as they come, and what becomes of them, as values."""

from dataclasses import dataclass
from datetime import datetime

from callboard.ingest.directory import Listener

EVENT_BYTES = 256 * 1024
MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class NewEvent:
    """`data` is JSON text, kept byte for byte; `key` the sender's idempotency key."""

    type: str
    data: bytes
    key: str | None = None
    context: tuple[str, ...] = ()
    sending: str | None = None
    kind: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    id: str
    key: str | None
    duplicate: bool
    deliveries: int


@dataclass(slots=True)
class Stored:
    """An event on its way into the database, under the id it gets if it is new."""

    id: str
    new: NewEvent
    data: str
    occurred_at: datetime
    listeners: tuple[Listener, ...]
