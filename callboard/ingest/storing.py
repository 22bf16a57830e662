"""Into the database: what has arrived, once per key, and its deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from callboard.database import Database, Row, Rows
from callboard.delivery import ledger
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import DeliveryState
from callboard.errors import CallboardError, Conflict
from callboard.ingest.arrivals import Arrival
from callboard.ingest.directory import Listener
from callboard.ingest.events import NewEvent, Receipt, Stored
from callboard.matching.records import record_of
from callboard.webhooks.states import WebhookState

# By account and key, the events that were there first. None instead: there were none.
Earlier = dict[tuple[str, str], Row]


async def store(
    db: Database, arrivals: Sequence[Arrival]
) -> list[list[Receipt] | CallboardError]:
    """The answer to each, in their order. A conflict is raised where new events came
    with it: of these, nothing may stay."""
    all_new = await _insert_events(db, arrivals)
    earlier = None if all_new else await _seen_before(db, arrivals)
    answers = [_receipts(arrival, earlier) for arrival in arrivals]
    await _insert_deliveries(db, arrivals, answers, earlier)
    return answers


_EVENT = {
    "account": "text",
    "key": "text",
    "id": "text",
    "type": "text",
    "data": "text",
    "context": "text",
    "sending": "text",
    "kind": "text",
    "occurred_at": "timestamptz",
    "accepted_at": "timestamptz",
    "deliveries": "int",
}


async def _insert_events(db: Database, arrivals: Sequence[Arrival]) -> bool:
    """False if some of them, by their key, were there before. Sorted by account and
    key: unsorted, two transactions could lock each other. Under one key the first to
    come stays first."""
    rows = [
        _event(arrival, stored) for arrival in arrivals for stored in arrival.stored
    ]
    rows.sort(key=lambda row: (row[0], row[1] or ""))
    return await db.insert("event", Rows(_EVENT, rows, bulky="data")) == len(rows)


def _event(arrival: Arrival, stored: Stored) -> tuple[Any, ...]:
    new = stored.new
    return (
        arrival.account,
        new.key,
        stored.id,
        new.type,
        new.data.decode(),
        _context(new),
        new.sending,
        new.kind,
        stored.occurred_at,
        arrival.now,
        len(stored.listeners),
    )


def _context(event: NewEvent) -> str:
    return msgspec.json.encode(event.context).decode() if event.context else "[]"


async def _seen_before(db: Database, arrivals: Sequence[Arrival]) -> Earlier:
    """Of all with a key here."""
    keyed = [
        (arrival.account, stored.new.key)
        for arrival in arrivals
        for stored in arrival.stored
        if stored.new.key is not None
    ]
    rows = await db.fetch(
        """
        SELECT e.id, e.account, e.key, e.type, e.data, e.context, e.sending, e.kind,
               e.occurred_at, e.deliveries
        FROM (
            SELECT (SELECT id FROM event x WHERE x.account = sent.account
                    AND x.key = sent.key) AS id
            FROM {sent}
        ) AS sent JOIN event e ON e.id = sent.id
        """,
        sent=Rows({"account": "text", "key": "text"}, sorted(set(keyed))),
    )
    return {(row["account"], row["key"]): row for row in rows}


def _first(arrival: Arrival, stored: Stored, earlier: Earlier | None) -> Row | None:
    """The earlier event under its key; None when it is new itself."""
    if earlier is None or stored.new.key is None:
        return None
    first = earlier[arrival.account, stored.new.key]
    return None if first["id"] == stored.id else first


async def _insert_deliveries(
    db: Database,
    arrivals: Sequence[Arrival],
    answers: Sequence[list[Receipt] | CallboardError],
    earlier: Earlier | None,
) -> None:
    """Of new events only."""
    rows: list[NewDelivery] = []
    for arrival, answer in zip(arrivals, answers, strict=True):
        new = [
            each for each in arrival.stored if _first(arrival, each, earlier) is None
        ]
        if new and isinstance(answer, CallboardError):
            raise answer
        rows += [
            _delivery(arrival, stored, listener)
            for stored in new
            for listener in stored.listeners
        ]
    if rows:
        await ledger.enter(db, rows, max(arrival.now for arrival in arrivals))


def _delivery(arrival: Arrival, stored: Stored, listener: Listener) -> NewDelivery:
    state = _state(listener, arrival.now)
    held = state is DeliveryState.HELD
    ended = state is DeliveryState.EXPIRED
    at_once = state is DeliveryState.PENDING and listener.delivery is None
    return NewDelivery(
        event=stored.id,
        account=arrival.account,
        webhook=listener.id,
        state=state,
        due=arrival.now if at_once else None,
        held_until=arrival.now + timedelta(days=listener.hold_days) if held else None,
        created_at=arrival.now,
        finished_at=arrival.now if ended else None,
        reason="not kept" if ended else None,
        record=_record(stored, listener),
    )


def _state(listener: Listener, now: datetime) -> DeliveryState:
    if listener.state is WebhookState.ACTIVE:
        return DeliveryState.PENDING
    if listener.takes_until is not None and now >= listener.takes_until:
        return DeliveryState.EXPIRED
    return DeliveryState.HELD


def _record(stored: Stored, listener: Listener) -> str | None:
    """Only where a newer event of the same record may stand for this one."""
    if listener.delivery is None or not listener.delivery.latest_only:
        return None
    return record_of(stored.new.type, stored.new.data)


def _receipts(
    arrival: Arrival, earlier: Earlier | None
) -> list[Receipt] | CallboardError:
    receipts = []
    for stored in arrival.stored:
        first = _first(arrival, stored, earlier)
        if first is None:
            count = len(stored.listeners)
            receipts.append(Receipt(stored.id, stored.new.key, False, count))
        elif _same(stored.new, first):
            count = first["deliveries"]
            receipts.append(Receipt(first["id"], stored.new.key, True, count))
        else:
            return Conflict(
                f"The id {stored.new.key} was used for another event"
                f" ({first['id']}) before; send this one under a new id.",
                "key_used",
            )
    return receipts


def _same(new: NewEvent, first: Row) -> bool:
    given = new.occurred_at
    return (
        new.type == first["type"]
        and new.sending == first["sending"]
        and new.kind == first["kind"]
        and _context(new) == first["context"]
        and (given is None or given == first["occurred_at"])
        and _canonical(new.data) == _canonical(first["data"])
    )


def _canonical(data: bytes | str) -> bytes:
    """Not compared as Python values, where 1 and true are the same.

    What cannot be read back (1e999) is equal only to its own text.
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(data), order="sorted")
    except (msgspec.MsgspecError, RecursionError):
        return data if isinstance(data, bytes) else data.encode()
