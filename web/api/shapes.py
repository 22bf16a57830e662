"""What goes in and out as JSON; the domain has the last word on what it means."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from callboard.errors import invalid
from callboard.ingest import NewEvent

AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


class EventIn(msgspec.Struct, forbid_unknown_fields=True):
    """`data` stays as it was sent, byte for byte; `id` makes sending twice harmless."""

    type: str
    data: msgspec.Raw
    id: str | None = None
    context: tuple[str, ...] = ()
    sending: Literal["unitary", "batch"] | None = None
    kind: str | None = None
    occurred_at: AwareTime | None = None

    def to_command(self, where: str = "") -> NewEvent:
        return NewEvent(
            type=self.type,
            data=bytes(self.data),
            key=self.id,
            context=self.context,
            sending=self.sending,
            kind=self.kind,
            occurred_at=_utc(self.occurred_at, f"{where}occurred_at"),
        )


class BatchIn(msgspec.Struct, forbid_unknown_fields=True):
    events: list[EventIn]


class ReceiptOut(msgspec.Struct):
    """`id` is ours, `key` is the id that was sent."""

    id: str
    key: str | None
    duplicate: bool
    deliveries: int


class ReceiptsOut(msgspec.Struct):
    events: list[ReceiptOut]


def _utc(at: datetime | None, field: str) -> datetime | None:
    try:
        return at.astimezone(UTC) if at else None
    except OverflowError:
        raise invalid(field, "out_of_range", "This is before time began.") from None
