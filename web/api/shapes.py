"""What goes in and out as JSON; the domain has the last word on what it means."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

import msgspec

from callboard.catalogue.event_types import NewEventType
from callboard.catalogue.tables import EventType
from callboard.delivery.reading import AttemptView, DeliveryView
from callboard.delivery.states import DeliveryState
from callboard.delivery.tables import Event
from callboard.errors import invalid
from callboard.ingest import NewEvent

T = TypeVar("T")

NULL = msgspec.Raw(b"null")
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def null() -> msgspec.Raw:
    """A factory, because a raw default cannot be told in a JSON schema."""
    return NULL


class EventIn(msgspec.Struct, forbid_unknown_fields=True):
    """`data` stays as it was sent, byte for byte; `id` makes sending twice harmless."""

    type: str
    data: msgspec.Raw
    id: str | None = None
    context: tuple[str, ...] = ()
    sending: Literal["unitary", "batch", "campaign"] | None = None
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
            occurred_at=utc(self.occurred_at, f"{where}occurred_at"),
        )


class BatchIn(msgspec.Struct, forbid_unknown_fields=True):
    events: list[EventIn]


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

    deliveries: list["EventDelivery"]
    not_wanted: list[ReasonOut]


class RequestOut(msgspec.Struct):
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str


class ResponseOut(msgspec.Struct):
    headers: tuple[tuple[str, str], ...]
    body: str
    truncated: bool


class PhasesOut(msgspec.Struct):
    """Milliseconds; null where a phase was not reached or not needed."""

    token: float | None = None
    name: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    body: float | None = None


class AttemptOut(msgspec.Struct):
    """`response` is null when no status line was read; `error` then says why."""

    number: int
    trigger: str
    started_at: datetime
    seconds: float
    phases_ms: PhasesOut
    status: int | None
    error: str | None
    detail: str
    request: RequestOut
    response: ResponseOut | None

    @classmethod
    def of(cls, view: AttemptView) -> Self:
        sent, got = view.request, view.response
        return cls(
            number=view.number,
            trigger=view.trigger,
            started_at=view.started_at,
            seconds=view.seconds,
            phases_ms=msgspec.convert(view.phases_ms, PhasesOut),
            status=view.status,
            error=view.error,
            detail=view.detail,
            request=RequestOut(sent.method, sent.url, sent.headers, text(sent.body)),
            response=None
            if view.status is None
            else ResponseOut(got.headers, text(got.body), got.truncated),
        )


class DeliveryLine(msgspec.Struct):
    """A delivery in a list."""

    id: str
    event: str
    type: str
    webhook: str
    state: DeliveryState
    reason: str | None
    repeats: str | None
    next_try_at: datetime | None
    held_until: datetime | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, view: DeliveryView, **more: Any) -> Self:
        return cls(
            id=view.id,
            event=view.event,
            type=view.type,
            webhook=view.webhook,
            state=view.state,
            reason=view.reason,
            repeats=view.repeats,
            next_try_at=view.next_try_at,
            held_until=view.held_until,
            created_at=view.created_at,
            finished_at=view.finished_at,
            **more,
        )


class EventDelivery(DeliveryLine, kw_only=True):
    """`why` it went there, as far as the webhook's settings of today tell."""

    why: str | None


class DeliveryOut(DeliveryLine, kw_only=True):
    attempts: list[AttemptOut]


class EventTypeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`schema` is a JSON schema, `sample` an example of an event's data.

    `placeholders`: short names for paths, such as contactNumber for data.contactNumber.
    `fields`: by their paths in the data, what is left out unless a webhook includes it
    (`on_demand`), of what only the id is sent unless it does (`relation`), and what
    comes in a webhook's language (`translated`). `kinds`: of the messages that its
    events are about, such as newsletter.
    """

    name: str
    group: str = ""
    description: str = ""
    schema: msgspec.Raw = msgspec.field(default_factory=null)
    sample: msgspec.Raw = msgspec.field(default_factory=null)
    placeholders: dict[str, str] = {}
    fields: dict[str, Literal["on_demand", "relation", "translated"]] = {}
    kinds: tuple[str, ...] = ()

    def to_command(self) -> NewEventType:
        return NewEventType(
            name=self.name,
            group=self.group,
            description=self.description,
            schema=json_text(self.schema),
            sample=json_text(self.sample),
            placeholders=self.placeholders,
            fields=self.fields,
            kinds=self.kinds,
        )


class EventTypeChangeIn(EventTypeIn, kw_only=True):
    """The address has the name; here it may be left out, but not be another."""

    name: str = ""


class EventTypeOut(msgspec.Struct):
    name: str
    group: str
    description: str
    schema: Any
    sample: Any
    placeholders: Any
    fields: Any
    kinds: Any
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: EventType) -> Self:
        return cls(
            name=row.name,
            group=row.group,
            description=row.description,
            schema=raw(row.schema),
            sample=raw(row.sample),
            placeholders=raw(row.placeholders),
            fields=raw(row.fields),
            kinds=raw(row.kinds),
            created_at=row.created_at,
            changed_at=row.changed_at,
        )


class InstalledOut(msgspec.Struct):
    """Names of event types: added now, and there before."""

    added: tuple[str, ...]
    present: tuple[str, ...]


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
