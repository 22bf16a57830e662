"""Events as JSON."""

from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from callboard.delivery.tables import Event
from callboard.ingest import NewEvent
from callboard.times import utc
from web.api.delivery_shapes import EventDelivery
from web.api.queries import AskedOfTime
from web.api.shapes import AwareTime, raw


class EventIn(msgspec.Struct, forbid_unknown_fields=True):
    """`data` stays as it was sent, byte for byte; `id` makes sending twice harmless."""

    type: str
    data: msgspec.Raw
    id: str | None = None
    context: tuple[str, ...] = ()
    sending: Literal["unitary", "batch", "campaign"] | None = None
    kind: str | None = None
    occurred_at: AwareTime | None = None

    def to_command(self) -> NewEvent:
        return NewEvent(
            type=self.type,
            data=bytes(self.data),
            key=self.id,
            context=self.context,
            sending=self.sending,
            kind=self.kind,
            occurred_at=utc(self.occurred_at),
        )


class BatchIn(msgspec.Struct, forbid_unknown_fields=True):
    events: list[EventIn]


class EventsAsked(AskedOfTime, kw_only=True):
    type: str | None = None
    q: str | None = None


class SendIn(msgspec.Struct, forbid_unknown_fields=True):
    """`webhook`: the id of the one that shall get it."""

    webhook: str


class ReceiptOut(msgspec.Struct):
    """`id` is ours, `key` is the id that was sent."""

    id: str
    key: str | None
    duplicate: bool
    deliveries: int


class ReceiptsOut(msgspec.Struct):
    events: list[ReceiptOut]


class EventLine(msgspec.Struct):
    """An event in a list."""

    id: str
    key: str | None
    type: str
    data: Any
    context: Any
    sending: str | None
    kind: str | None
    occurred_at: datetime
    accepted_at: datetime

    @classmethod
    def of(cls, row: Event, **more: Any) -> Self:
        return cls(
            id=row.id,
            key=row.key,
            type=row.type,
            data=raw(row.data),
            context=raw(row.context),
            sending=row.sending,
            kind=row.kind,
            occurred_at=row.occurred_at,
            accepted_at=row.accepted_at,
            **more,
        )


class ReasonOut(msgspec.Struct):
    webhook: str
    name: str
    why: str


class EventOut(EventLine, kw_only=True):
    """An event with what became of it, and why the other webhooks did not get it."""

    deliveries: list[EventDelivery]
    not_wanted: list[ReasonOut]
