"""Events: sending them is the hot path, thousands of calls a second.

There the body goes from bytes to the command and the receipt to bytes without the
framework's parsing, which would take most of the time.
"""

from typing import Any

import msgspec
from litestar import post
from litestar.openapi import ResponseSpec
from litestar.router import Router
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as ASGIScope

from callboard.accounts.keys import Scope
from callboard.errors import Invalid, LimitReached, Problem, invalid
from callboard.ingest import EVENT_BYTES, MOST_EVENTS, NewEvent, Receipt
from callboard.runtime import Runtime
from web.api import bodies
from web.api.shapes import BatchIn, EventIn, ReceiptOut, ReceiptsOut
from web.errors import JSON_ERRORS, AnyRequest
from web.security import key_holder

BATCH_BYTES = 8 * 1024 * 1024

_event = msgspec.json.Decoder(EventIn)
_batch = msgspec.json.Decoder(BatchIn)
_raw_batch = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_encode = msgspec.json.Encoder().encode


@post(
    "/events",
    status_code=202,
    opt={"takes": EventIn},
    responses={202: ResponseSpec(ReceiptOut, description="It is on disk.")},
)
async def send(request: AnyRequest) -> ASGIApp:
    """Send an event. The same id again answers with the first receipt."""
    caller = await key_holder(request, Scope.SEND)
    event = bodies.read(await bodies.receive(request, EVENT_BYTES), _event)
    runtime: Runtime = request.app.state.runtime
    receipts = await runtime.acceptor.accept(
        caller.account, [event.to_command()], runtime.clock()
    )
    return _Accepted(_encode(receipts[0]))


@post(
    "/events/batch",
    status_code=202,
    opt={"takes": BatchIn},
    responses={202: ResponseSpec(ReceiptsOut, description="All are on disk.")},
)
async def send_batch(request: AnyRequest) -> ASGIApp:
    """Send up to 1000 events: all are taken, or none."""
    caller = await key_holder(request, Scope.SEND)
    events = _read_batch(await bodies.receive(request, BATCH_BYTES))
    runtime: Runtime = request.app.state.runtime
    receipts = await _accept_batch(runtime, caller.account, events)
    return _Accepted(_encode({"events": receipts}))


# Without the guard of the rest, which would cost a fifth of the time of a call: the
# framework copies the handler for it each time.
INTAKE = Router(
    path="/api/v1",
    route_handlers=[send, send_batch],
    exception_handlers=JSON_ERRORS,
    security=[{"key": []}],
    tags=["Events"],
)


def _read_batch(body: bytes) -> list[NewEvent]:
    events = bodies.read(body, _batch, _batch_problems).events
    if not 0 < len(events) <= MOST_EVENTS:
        text = f"Send 1 to {MOST_EVENTS} events in a batch."
        raise invalid("events", "length", text)
    if len(body) > EVENT_BYTES:
        _check_sizes(body)
    return [event.to_command(_place(i)) for i, event in enumerate(events)]


def _batch_problems(value: Any) -> list[Problem]:
    if not (isinstance(value, dict) and isinstance(value.get("events"), list)):
        return bodies.shape_problems(value, BatchIn)
    rest = bodies.shape_problems(value | {"events": []}, BatchIn)
    return rest + [
        problem
        for i, event in enumerate(value["events"])
        for problem in bodies.shape_problems(event, EventIn, _place(i))
    ]


def _check_sizes(body: bytes) -> None:
    for i, event in enumerate(_raw_batch.decode(body)["events"]):
        if len(bytes(event)) > EVENT_BYTES:
            text = f"events[{i}] is larger than {EVENT_BYTES // 1024} KiB."
            raise LimitReached(text, "too_large")


async def _accept_batch(
    runtime: Runtime, account: str, events: list[NewEvent]
) -> list[Receipt]:
    try:
        return await runtime.acceptor.accept(account, events, runtime.clock())
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
