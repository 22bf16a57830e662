from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callboard import ids
from callboard.database import FENCE, Row, reading
from callboard.delivery.reading.attempts import AttemptView, attempts_of
from callboard.delivery.reading.events import get_event
from callboard.delivery.states import WAITING, DeliveryState
from callboard.errors import NotFound
from callboard.paging import Page, decode_cursor, page_of, wrong_cursor


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


# Those that are shown are picked first: joined before, all would be.
_SELECT = """
    SELECT d.seq, d.event, e.type, d.webhook, w.name AS webhook_name, d.state,
           d.reason, d.repeats, d.attempts, d.due, d.held_until, d.status, d.error,
           d.lease, d.created_at, d.finished_at, s.next_run
    FROM ({found}) AS d
    JOIN event e ON e.id = d.event
    JOIN webhook w ON w.id = d.webhook
    LEFT JOIN schedule s ON s.webhook = d.webhook
    ORDER BY d.seq
"""
_OF_ACCOUNT = "SELECT * FROM delivery d WHERE d.account = :account AND {which}"
# Of each webhook no more than are shown: what waits may lie below a million others. And
# of those alone that have any in this state: others may have a million in the other.
_WAITING = f"""
    SELECT own.* FROM turn t CROSS JOIN {{their}}
    WHERE t.account = :account AND EXISTS (SELECT 1 FROM delivery other
        WHERE other.webhook = t.webhook AND other.state = '{{state}}' {FENCE})
    ORDER BY own.seq DESC LIMIT :most
"""
_THEIR_POSTGRES = """LATERAL (
    SELECT * FROM delivery d WHERE d.webhook = t.webhook AND {which}) AS own"""
_THEIR_SQLITE = """delivery own ON own.seq IN (
    SELECT d.seq FROM delivery d WHERE d.webhook = t.webhook AND {which})"""
# SQLite does not see that a partial index over several states serves one of them.
_ENDED_BADLY = "d.state IN ('failed', 'expired', 'cancelled')"
_INDEXED_WITH = {
    DeliveryState.PENDING: "d.state IN ('pending', 'held')",
    DeliveryState.FAILED: _ENDED_BADLY,
    DeliveryState.EXPIRED: _ENDED_BADLY,
    DeliveryState.CANCELLED: _ENDED_BADLY,
}


async def page(
    account: str, wanted: Filter, cursor: str | None = None, limit: int = 50
) -> Page[DeliveryView]:
    """Newest first."""
    clauses, values = _clauses(wanted)
    if cursor:
        clauses.append("d.seq < :before")
        values["before"] = _place_of(cursor)
    which = f"{' AND '.join(clauses) or 'true'} ORDER BY d.seq DESC LIMIT :most"
    async with reading() as db:
        found = _found(wanted, which, db.is_sqlite)
        sql = f"{_SELECT.format(found=found)} DESC"
        rows = await db.fetch(sql, account=account, most=limit + 1, **values)
    return page_of([_delivery(row) for row in rows], limit, lambda view: view.id)


async def get(account: str, id: str) -> DeliveryView:
    """With its attempts, the first try first."""
    row = await _row(account, sequence_of(id))
    event = await get_event(account, row["event"])
    attempts = await attempts_of(row["seq"], event)
    if attempts and attempts[-1].number > row["attempts"]:  # it has ended meanwhile
        row = await _row(account, row["seq"])
    return _delivery(row, attempts)


async def of_event(account: str, event: str) -> list[DeliveryView]:
    """At most 1 000, in the order of their webhooks' turns."""
    async with reading() as db:
        which = "d.event = :event ORDER BY d.seq LIMIT 1000"
        sql = _SELECT.format(found=_OF_ACCOUNT.format(which=which))
        rows = await db.fetch(sql, account=account, event=event)
    return [_delivery(row) for row in rows]


def sequence_of(id: str) -> int:
    """Raises NotFound for what is no delivery's id."""
    found = ids.to_sequence("dlv", id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


async def _row(account: str, seq: int) -> Row:
    async with reading() as db:
        sql = _SELECT.format(found=_OF_ACCOUNT.format(which="d.seq = :seq"))
        rows = await db.fetch(sql, account=account, seq=seq)
    if not rows:
        raise NotFound("There is no such delivery.")
    return rows[0]


def _place_of(cursor: str) -> int:
    """Raises Invalid, also for the cursor of another list."""
    found = ids.to_sequence("dlv", decode_cursor(cursor))
    if found is None:
        raise wrong_cursor()
    return found


def _found(wanted: Filter, which: str, is_sqlite: bool) -> str:
    if wanted.state not in WAITING or wanted.webhook or wanted.event:
        return _OF_ACCOUNT.format(which=which)
    their = _THEIR_SQLITE if is_sqlite else _THEIR_POSTGRES
    return _WAITING.format(their=their.format(which=which), state=wanted.state.value)


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
    if wanted.state in _INDEXED_WITH:
        clauses.append(_INDEXED_WITH[wanted.state])
    return clauses, values


def _delivery(row: Row, attempts: tuple[AttemptView, ...] = ()) -> DeliveryView:
    waits = row["state"] == DeliveryState.PENDING and row["due"] is None
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
        with_next_run=waits and row["next_run"] is not None,
        held_until=row["held_until"],
        last_status=row["status"],
        last_error=row["error"],
        in_flight=row["lease"] is not None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        attempts=attempts,
    )


def _next_try(row: Row) -> datetime | None:
    if row["state"] != DeliveryState.PENDING or row["lease"] is not None:
        return None
    due: datetime | None = row["due"] or row["next_run"]
    return due
