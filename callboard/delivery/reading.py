"""Deliveries, attempts and events as pages and programs read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from piccolo.custom_types import Combinable

from callboard import ids
from callboard.database import Row, reading
from callboard.delivery.states import WAITING, DeliveryState
from callboard.delivery.tables import Attempt, Event
from callboard.errors import NotFound
from callboard.matching.subject import Subject
from callboard.paging import Page, decode_cursor, encode_cursor
from callboard.payload.formats import standard_body
from callboard.payload.values import rfc3339

Headers = tuple[tuple[str, str], ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """`with_next_run`: it waits for a scheduled run, which `next_try_at` then is."""

    id: str
    seq: int
    event: str
    type: str
    webhook: str
    webhook_name: str
    state: DeliveryState
    reason: str | None
    repeats: str | None
    tries: int
    next_try_at: datetime | None
    with_next_run: bool
    held_until: datetime | None
    last_status: int | None
    last_error: str | None
    in_flight: bool
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[AttemptView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """None: whatever. Times are `created_at`, `since` included and `until` not."""

    webhook: str | None = None
    event: str | None = None
    state: DeliveryState | None = None
    since: datetime | None = None
    until: datetime | None = None


_SELECT = """
    SELECT d.seq, d.event, e.type, d.webhook, w.name AS webhook_name, d.state,
           d.reason, d.repeats, d.attempts, d.due, d.held_until, d.status, d.error,
           d.lease, d.created_at, d.finished_at, s.next_run
    FROM delivery d
    JOIN event e ON e.id = d.event
    JOIN webhook w ON w.id = d.webhook
    LEFT JOIN schedule s ON s.webhook = d.webhook
    WHERE d.account = :account
"""


async def page(
    account: str, wanted: Filter, cursor: str | None = None, limit: int = 50
) -> Page[DeliveryView]:
    """Newest first."""
    clauses, values = _clauses(wanted)
    if cursor:
        clauses.append("d.seq < :before")
        values["before"] = _sequence(decode_cursor(cursor))
    sql = " AND ".join([_SELECT, *clauses]) + " ORDER BY d.seq DESC LIMIT :most"
    async with reading() as db:
        rows = await db.fetch(sql, account=account, most=limit + 1, **values)
    items = [_delivery(row) for row in rows[:limit]]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)


async def get(account: str, id: str) -> DeliveryView:
    """With its attempts, the first try first."""
    async with reading() as db:
        rows = await db.fetch(
            f"{_SELECT} AND d.seq = :seq", account=account, seq=_sequence(id)
        )
    if not rows:
        raise NotFound("There is no such delivery.")
    attempts = (
        await Attempt.objects()
        .where(Attempt.delivery == rows[0]["seq"])
        .order_by(Attempt.number)
        .limit(200)
    )
    event = await get_event(account, rows[0]["event"])
    shared = await _shared_bodies(attempts)
    return _delivery(rows[0], tuple(_attempt(each, event, shared) for each in attempts))


async def of_event(account: str, event: str) -> list[DeliveryView]:
    """At most 1 000, in the order of their webhooks' turns."""
    async with reading() as db:
        rows = await db.fetch(
            f"{_SELECT} AND d.event = :event ORDER BY d.seq LIMIT 1000",
            account=account,
            event=event,
        )
    return [_delivery(row) for row in rows]


async def get_event(account: str, id: str) -> Event:
    event = await find_event(account, id)
    if event is None:
        raise NotFound("There is no such event.")
    return event


async def find_event(account: str, id: str) -> Event | None:
    return await Event.objects().get((Event.account == account) & (Event.id == id))


async def latest(account: str, types: list[str], most: int) -> list[Event]:
    """Newest first, of the last 2 000 of the account: older ones are not looked for."""
    sql = """
        SELECT id FROM (
            SELECT id, type FROM event WHERE account = :account
            ORDER BY id DESC LIMIT 2000
        ) AS recent WHERE type = ANY(:types) ORDER BY id DESC LIMIT :most
    """
    async with reading() as db:
        rows = await db.fetch(sql, account=account, types=types, most=most)
    found = Event.objects().where(Event.id.is_in([row["id"] for row in rows] or [""]))
    return await found.order_by(Event.id, ascending=False)


def subject_of(event: Row) -> Subject:
    """The event as filters see it, by its columns."""
    return Subject(
        event["data"],
        event["accepted_at"],
        msgspec.json.decode(event["context"], type=tuple[str, ...]),
        event["sending"],
        event["kind"],
    )


async def events_page(
    account: str,
    *,
    type: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    q: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Event]:
    """Newest first; `q` is a whole id or idempotency key."""
    where: Combinable = Event.account == account
    if type:
        where &= Event.type == type
    if since:
        where &= Event.accepted_at >= since
    if until:
        where &= Event.accepted_at < until
    if q:
        where &= (Event.id == q) | (Event.key == q)
    if cursor:
        where &= Event.id < decode_cursor(cursor)
    rows = (
        await Event.objects()
        .where(where)
        .order_by(Event.id, ascending=False)
        .limit(limit + 1)
    )
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], more)


def sequence_of(id: str) -> int:
    """Raises NotFound for what is no delivery's id."""
    return _sequence(id)


def _sequence(id: str) -> int:
    found = ids.to_sequence("dlv", id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def _clauses(wanted: Filter) -> tuple[list[str], dict[str, Any]]:
    tests = {
        "webhook": "d.webhook = :webhook",
        "event": "d.event = :event",
        "since": "d.created_at >= :since",
        "until": "d.created_at < :until",
    }
    values = {
        name: value for name in tests if (value := getattr(wanted, name)) is not None
    }
    clauses = [tests[name] for name in values]
    if wanted.state is not None:
        # As a literal, so that the partial indexes serve it.
        clauses.append(f"d.state = '{wanted.state.value}'")
    if wanted.state in WAITING and wanted.webhook is None:
        clauses.append(
            "d.webhook IN (SELECT webhook FROM turn WHERE account = :account)"
        )
    return clauses, values


def _delivery(row: Row, attempts: Sequence[AttemptView] = ()) -> DeliveryView:
    return DeliveryView(
        id=ids.from_sequence("dlv", row["seq"]),
        seq=row["seq"],
        event=row["event"],
        type=row["type"],
        webhook=row["webhook"],
        webhook_name=row["webhook_name"],
        state=DeliveryState(row["state"]),
        reason=row["reason"],
        repeats=ids.from_sequence("dlv", row["repeats"]) if row["repeats"] else None,
        tries=row["attempts"],
        next_try_at=_next_try(row),
        with_next_run=row["due"] is None and row["next_run"] is not None,
        held_until=row["held_until"],
        last_status=row["status"],
        last_error=row["error"],
        in_flight=row["lease"] is not None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        attempts=tuple(attempts),
    )


def _next_try(row: Row) -> datetime | None:
    if row["state"] != DeliveryState.PENDING or row["lease"] is not None:
        return None
    due: datetime | None = row["due"] or row["next_run"]
    return due


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
        body = standard_body(
            event.id, event.type, rfc3339(event.occurred_at), event.data
        )
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
    return msgspec.json.decode(text, type=tuple[tuple[str, str], ...])
