"""Deliveries and their attempts as JSON."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self

import msgspec

from callboard.delivery.reading import AttemptView, DeliveryView, Filter
from callboard.delivery.states import DeliveryState, check_state
from callboard.errors import Problem
from callboard.times import utc
from web.api.queries import AskedOfTime
from web.api.shapes import text


class DeliveriesAsked(AskedOfTime, kw_only=True):
    webhook: str | None = None
    event: str | None = None
    state: str | None = None

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.state is not None:
            yield from check_state(self.state)

    def to_filter(self) -> Filter:
        return Filter(
            webhook=self.webhook,
            event=self.event,
            state=None if self.state is None else DeliveryState(self.state),
            since=utc(self.since),
            until=utc(self.until),
        )


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
