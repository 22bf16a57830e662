"""Events: sending them is the hot path, thousands of calls a second.

There the body goes from bytes to the command and the receipt to bytes without the
framework's parsing, which would take most of the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as ASGIScope

from callboard.accounts.actor import Actor
from callboard.accounts.keys import Scope
from callboard.delivery import by_hand, reading
from callboard.errors import Invalid, LimitReached, Problem, invalid
from callboard.ingest import EVENT_BYTES, MOST_EVENTS, NewEvent, Room
from callboard.insight import explanation
from callboard.runtime import Runtime
from callboard.times import utc
from web.api import bodies, queries
from web.api.deliveries import shown
from web.api.delivery_shapes import DeliveryOut, EventDelivery
from web.api.event_shapes import (
    BatchIn,
    EventIn,
    EventLine,
    EventOut,
    EventsAsked,
    ReasonOut,
    ReceiptOut,
    ReceiptsOut,
    SendIn,
)
from web.api.shapes import Paged
from web.errors import AnyRequest
from web.security import Running, key_holder

BATCH_BYTES = 8 * 1024 * 1024

_event = msgspec.json.Decoder(EventIn)
_batch = msgspec.json.Decoder(BatchIn)
_raw_batch = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_encode = msgspec.json.Encoder().encode


@post(
    "/events",
    status_code=202,
    tags=["Events"],
    opt={"takes": EventIn},
    responses={202: ResponseSpec(ReceiptOut, description="It is on disk.")},
)
async def send(request: AnyRequest) -> ASGIApp:
    """Send an event. The same id again answers with the first receipt."""
    caller = await key_holder(request, Scope.SEND)
    runtime: Runtime = request.app.state.runtime
    with Room(runtime.acceptor.intake, caller.account) as room:
        event = await _read_event(request, runtime, caller.account, room)
        receipts = await runtime.acceptor.accept(
            caller.account, [event], runtime.clock()
        )
    return _Accepted(_encode(receipts[0]))


@post(
    "/events/batch",
    status_code=202,
    tags=["Events"],
    opt={"takes": BatchIn},
    responses={202: ResponseSpec(ReceiptsOut, description="All are on disk.")},
)
async def send_batch(request: AnyRequest) -> ASGIApp:
    """Send up to 1000 events: all are taken, or none."""
    caller = await key_holder(request, Scope.SEND)
    runtime: Runtime = request.app.state.runtime
    with Room(runtime.acceptor.intake, caller.account) as room:
        events = await _read_batch(request, runtime, caller.account, room)
        with _placed(events):
            receipts = await runtime.acceptor.accept(
                caller.account, events, runtime.clock()
            )
    return _Accepted(_encode({"events": receipts}))


class EventsController(Controller):
    path = "/events"
    tags = ("Events",)

    @get("/", opt={"asks": EventsAsked})
    async def list_events(
        self, request: AnyRequest, account: NamedDependency[str]
    ) -> Paged[EventLine]:
        """Newest first; q is a whole id or key."""
        asked = queries.take(request, EventsAsked)
        page = await reading.events_page(
            account,
            type=asked.type,
            since=utc(asked.since),
            until=utc(asked.until),
            q=asked.q,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        return Paged([EventLine.of(row) for row in page.items], page.next)

    @get("/{id:str}")
    async def show(self, account: NamedDependency[str], id: FromPath[str]) -> EventOut:
        """With its deliveries, and for each webhook that did not want it: why."""
        event = await reading.get_event(account, id)
        story = await explanation.of_event(account, id)
        return EventOut.of(
            event,
            deliveries=[
                EventDelivery.of(view, why=story.why.get(view.id))
                for view in story.deliveries
            ],
            not_wanted=[ReasonOut(p.webhook, p.name, p.why) for p in story.passed],
        )

    @post("/{id:str}/send", opt={"takes": SendIn})
    async def send_to(
        self,
        request: AnyRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> DeliveryOut:
        """To one active webhook, whether it listens to the type or not."""
        wanted = await bodies.take(request, SendIn)
        new = await by_hand.send_event(by, id, wanted.webhook)
        runtime.queue.ring()
        return await shown(by.account, new)


async def _read_event(
    request: AnyRequest, runtime: Runtime, account: str, room: Room
) -> NewEvent:
    """With a copy of the data, so that the body need not be kept. Where that has
    another shape, all that breaks the rules is told, too."""

    async def judge(rest: EventIn) -> None:
        await runtime.acceptor.judge(account, [rest.to_command()], runtime.clock())

    body = await bodies.receive(request, EVENT_BYTES, room)
    try:
        return bodies.read(body, _event).to_command()
    except Invalid as error:
        nothing = {"type": "", "data": None}
        raise await bodies.with_rules(error, body, EventIn, judge, nothing) from None


async def _read_batch(
    request: AnyRequest, runtime: Runtime, account: str, room: Room
) -> list[NewEvent]:
    """As `_read_event`, of all of them."""

    async def judge(rest: BatchIn) -> None:
        with _placed(events := _commands(rest)):
            await runtime.acceptor.judge(account, events, runtime.clock())

    body = await bodies.receive(request, BATCH_BYTES, room)
    try:
        batch = bodies.read(body, _batch)
    except Invalid as error:
        nothing = {"events": ()}
        raise await bodies.with_rules(error, body, BatchIn, judge, nothing) from None
    events = _commands(batch)
    if len(body) > EVENT_BYTES:
        _check_sizes(body)
    return events


def _commands(batch: BatchIn) -> list[NewEvent]:
    if not 0 < len(batch.events) <= MOST_EVENTS:
        text = f"Send 1 to {MOST_EVENTS} events in a batch."
        raise invalid("events", "length", text)
    return [event.to_command() for event in batch.events]


def _check_sizes(body: bytes) -> None:
    for i, event in enumerate(_raw_batch.decode(body)["events"]):
        if len(bytes(event)) > EVENT_BYTES:
            text = f"events[{i}] is larger than {EVENT_BYTES // 1024} KiB."
            raise LimitReached(text, "too_large")


@contextmanager
def _placed(events: list[NewEvent]) -> Iterator[None]:
    """Problems of a batch of one are told with their place, too."""
    try:
        yield
    except Invalid as error:
        if len(events) > 1:
            raise
        raise Invalid(
            Problem(_place(0) + p.field, p.code, p.message) for p in error.problems
        ) from None


def _place(i: int) -> str:
    return f"events[{i}]."


class _Accepted:
    """A 202 as bytes."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self.body)),
        ]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send(
            {"type": "http.response.body", "body": self.body, "more_body": False}
        )
