"""What was sent and what came back, try by try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from callboard.delivery.tables import Attempt, Event
from callboard.payload.composing import Headers
from callboard.payload.formats import standard_body


@dataclass(frozen=True, slots=True)
class SentRequest:
    method: str
    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """`body` is the receiver's bytes, capped; never trust them."""

    headers: Headers
    body: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class AttemptView:
    number: int
    trigger: str
    started_at: datetime
    seconds: float
    phases_ms: dict[str, float | None]
    status: int | None
    error: str | None
    detail: str
    request: SentRequest
    response: ReceivedResponse


async def attempts_of(seq: int, event: Event) -> tuple[AttemptView, ...]:
    """The first try first."""
    rows = (
        await Attempt.objects()
        .where(Attempt.delivery == seq)
        .order_by(Attempt.number)
        .limit(200)
    )
    shared = await _shared_bodies(rows)
    return tuple(_attempt(each, event, shared) for each in rows)


async def _shared_bodies(attempts: Sequence[Attempt]) -> dict[datetime, bytes]:
    """Of calls that carried several deliveries, by when they began: the body is kept
    with one of these."""
    leads = [each.lead for each in attempts if each.lead]
    if not leads:
        return {}
    kept = await Attempt.select(Attempt.started_at, Attempt.request_body).where(
        Attempt.delivery.is_in(leads), Attempt.request_body.is_not_null()
    )
    return {row["started_at"]: row["request_body"] for row in kept}


def _attempt(row: Attempt, event: Event, shared: dict[datetime, bytes]) -> AttemptView:
    body: bytes | None = row.request_body
    if row.lead:
        body = shared.get(row.started_at, b"")
    if body is None:
        body = standard_body(event.id, event.type, event.occurred_at, event.data)
    return AttemptView(
        number=row.number,
        trigger=row.trigger,
        started_at=row.started_at,
        seconds=row.seconds,
        phases_ms=msgspec.json.decode(row.phases),
        status=row.status,
        error=row.error,
        detail=row.detail,
        request=SentRequest(row.method, row.url, _headers(row.request_headers), body),
        response=ReceivedResponse(
            _headers(row.response_headers), row.response_body, row.truncated
        ),
    )


def _headers(text: str) -> Headers:
    return msgspec.json.decode(text, type=Headers)
