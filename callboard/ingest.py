"""Accepting events: check, dedupe, match, store, ring.

Calls that arrive while a commit runs share the next one ("in company"); a lone call
commits at once. Each commit is a task of its own: a caller that leaves cancels nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from jsonschema_rs import Validator

from callboard import ids
from callboard.catalogue.schemas import check_data
from callboard.database import Database, Row, Rows, writing
from callboard.delivery import ledger
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import DeliveryState
from callboard.directory import Directories, Directory, Listener
from callboard.errors import (
    CallboardError,
    Conflict,
    Invalid,
    LimitReached,
    NotFound,
    Problem,
    Unavailable,
)
from callboard.matching.patterns import unknown_type
from callboard.matching.records import record_of
from callboard.matching.subject import Subject
from callboard.webhooks.states import WebhookState

EVENT_BYTES = 256 * 1024
MOST_EVENTS = 1000
LONGEST_KEY = 256
LONGEST_KIND = 80

# A call with more deliveries commits alone; with far more it is refused.
_COMPANY_ROWS = 5_000
_MOST_ROWS = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """`data` is JSON text, kept byte for byte; `key` the sender's idempotency key."""

    type: str
    data: bytes
    key: str | None = None
    context: tuple[str, ...] = ()
    sending: str | None = None
    kind: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    id: str
    key: str | None
    duplicate: bool
    deliveries: int


@dataclass(slots=True)
class _Stored:
    """An event on its way into the database, under the id it gets if it is new."""

    id: str
    new: NewEvent
    data: str
    occurred_at: datetime
    listeners: tuple[Listener, ...]


@dataclass(slots=True, eq=False)
class _Call:
    account: str
    events: Sequence[NewEvent]
    now: datetime
    answer: asyncio.Future[list[Receipt]]
    version: int = -1
    stored: list[_Stored] = field(default_factory=list)
    subjects: list[Subject] = field(init=False)

    def __post_init__(self) -> None:
        self.subjects = [_subject(event, self.now) for event in self.events]

    def prepare(self, directory: Directory) -> None:
        """Checks and matches; again only when the directory has moved on."""
        if self.version == directory.version:
            return
        self.stored = _check(self, directory)
        self.version = directory.version

    @property
    def rows(self) -> int:
        return sum(len(stored.listeners) for stored in self.stored)


class Acceptor:
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._directories = Directories()
        self._waiting: list[_Call] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(
        self, account: str, events: Sequence[NewEvent], now: datetime
    ) -> list[Receipt]:
        """All or nothing; returns when everything is on disk.

        Raises Invalid (fields as `events[3].type`), Conflict when a key was used for
        something else, LimitReached, Unavailable.
        """
        call = _Call(account, events, now, asyncio.get_running_loop().create_future())
        known = self._directories.newest(account)
        if known is not None:
            await self._prepare_early(call, known)
        if call.rows > _COMPANY_ROWS:
            await asyncio.shield(asyncio.create_task(self._commit([call])))
        else:
            self._waiting.append(call)
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit_waiting())
        return await asyncio.shield(call.answer)

    async def _prepare_early(self, call: _Call, known: Directory) -> None:
        """Outside the transaction; a newer directory may find right what is wrong."""
        try:
            call.prepare(known)
        except Invalid:
            call.version = -1

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                calls, self._waiting = self._waiting, []
                await self._commit(calls)
        finally:
            self._committing = None

    async def _commit(self, calls: list[_Call]) -> None:
        """Together; if the database refuses that, each alone, so that one bad event
        fails only its own call."""
        try:
            async with writing() as db:
                answers = await self._store(db, calls)
        except Exception as problem:  # noqa: BLE001 - each caller gets to see its own
            if len(calls) == 1 or isinstance(problem, Unavailable):
                for call in calls:
                    _answer(call, problem)
            else:
                for call in calls:
                    await self._commit([call])
            return
        self._ring()
        for call, answer in zip(calls, answers, strict=True):
            _answer(call, answer)

    async def _store(
        self, db: Database, calls: Sequence[_Call]
    ) -> list[list[Receipt] | CallboardError]:
        refused = await self._prepare(db, calls)
        good = [call for call in calls if call not in refused]
        await _insert_events(db, good)
        earlier = await _seen_before(db, good)
        await _insert_deliveries(db, good, earlier)
        answers: list[list[Receipt] | CallboardError] = []
        for call in calls:
            answers.append(refused.get(call) or _receipts(call, earlier))
        return answers

    async def _prepare(
        self, db: Database, calls: Sequence[_Call]
    ) -> dict[_Call, CallboardError]:
        """By the directory that this transaction sees: a webhook that was activated
        before the call never misses its event. One that is paused or deleted while
        this commits gets no call either: the sweep moves what strayed in."""
        rows = await db.fetch(
            "SELECT id, version FROM account WHERE id = ANY(:accounts)",
            accounts=sorted({call.account for call in calls}),
        )
        versions = {row["id"]: row["version"] for row in rows}
        refused: dict[_Call, CallboardError] = {}
        for call in calls:
            try:
                if call.account not in versions:
                    raise NotFound("There is no such account.")
                version = versions[call.account]
                call.prepare(await self._directories.get(call.account, version))
                if call.rows > _MOST_ROWS:
                    raise LimitReached(
                        f"This would make {call.rows} deliveries; send fewer events.",
                        "too_large",
                    )
            except CallboardError as problem:
                refused[call] = problem
        return refused


def _answer(call: _Call, answer: list[Receipt] | Exception) -> None:
    if call.answer.done():
        return
    if isinstance(answer, Exception):
        call.answer.set_exception(answer)
        call.answer.exception()  # a caller that left does not want to hear of it
    else:
        call.answer.set_result(answer)


def _subject(event: NewEvent, now: datetime) -> Subject:
    return Subject(event.data, now, event.context, event.sending, event.kind)


def _check(call: _Call, directory: Directory) -> list[_Stored]:
    problems: list[Problem] = []
    stored = []
    pairs = zip(call.events, call.subjects, strict=True)
    for place, (event, subject) in enumerate(pairs):
        found = list(_problems(event, subject, directory))
        where = f"events[{place}]." if len(call.events) > 1 else ""
        problems += [Problem(where + p.field, p.code, p.message) for p in found]
        if not found:
            stored.append(_stored(event, subject, directory, call.now))
    if problems:
        raise Invalid(problems[:100])
    return stored


def _problems(event: NewEvent, subject: Subject, directory: Directory) -> list[Problem]:
    if not _is_text(event.data):
        return [Problem("data", "text", "Send JSON text in UTF-8 without NUL bytes.")]
    found = []
    if event.type not in directory.types:
        found.append(unknown_type(event.type, directory.types))
    elif (validator := directory.types[event.type]) is not None:
        found += _check_data(validator, subject)
    if event.key is not None and not 0 < len(event.key) <= LONGEST_KEY:
        text = f"Use 1 to {LONGEST_KEY} characters for the id."
        found.append(Problem("id", "length", text))
    if event.kind is not None and len(event.kind) > LONGEST_KIND:
        text = f"Use at most {LONGEST_KIND} characters for the kind."
        found.append(Problem("kind", "length", text))
    found += [
        Problem(field, "text", "Leave out NUL characters and lone surrogates.")
        for field, text in _texts(event)
        if not _is_writable(text)
    ]
    return found


def _texts(event: NewEvent) -> Iterator[tuple[str, str]]:
    named = (("id", event.key), ("sending", event.sending), ("kind", event.kind))
    yield from ((field, text) for field, text in named if text is not None)
    for place, tag in enumerate(event.context):
        yield f"context[{place}]", tag


def _is_writable(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    return _is_text(text.encode(errors="surrogatepass"))


def _check_data(validator: Validator, subject: Subject) -> list[Problem]:
    if subject.readable:
        return check_data(validator, subject.data)
    text = "It is nested too deeply, or a number in it is too large."
    return [Problem("data", "unreadable", text)]


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _stored(
    event: NewEvent, subject: Subject, directory: Directory, now: datetime
) -> _Stored:
    return _Stored(
        id=ids.make("evt", now),
        new=event,
        data=event.data.decode(),
        occurred_at=event.occurred_at or now,
        listeners=directory.wanted(event.type, subject),
    )


async def _insert_events(db: Database, calls: Sequence[_Call]) -> None:
    """Sorted by account and key: unsorted, two transactions could lock each other.
    Under one key the first to come stays first."""
    columns = {
        "id": "text",
        "account": "text",
        "key": "text",
        "type": "text",
        "data": "text",
        "context": "text",
        "sending": "text",
        "kind": "text",
        "occurred_at": "timestamptz",
        "accepted_at": "timestamptz",
        "deliveries": "int",
    }
    rows = [
        (
            stored.id,
            call.account,
            stored.new.key,
            stored.new.type,
            stored.data,
            _context(stored.new),
            stored.new.sending,
            stored.new.kind,
            stored.occurred_at,
            call.now,
            len(stored.listeners),
        )
        for call in calls
        for stored in call.stored
    ]
    rows.sort(key=lambda row: (row[1], row[2] or ""))
    await db.insert("event", Rows(columns, rows))


def _context(event: NewEvent) -> str:
    return msgspec.json.encode(event.context).decode() if event.context else "[]"


async def _seen_before(
    db: Database, calls: Sequence[_Call]
) -> dict[tuple[str, str], Row]:
    """By account and key, the events that were there first, of all with a key here."""
    keyed = [
        (call.account, stored.new.key)
        for call in calls
        for stored in call.stored
        if stored.new.key is not None
    ]
    if not keyed:
        return {}
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


def _first(
    call: _Call, stored: _Stored, earlier: dict[tuple[str, str], Row]
) -> Row | None:
    """The earlier event under its key; None when it is new itself."""
    if stored.new.key is None:
        return None
    first = earlier[call.account, stored.new.key]
    return None if first["id"] == stored.id else first


async def _insert_deliveries(
    db: Database, calls: Sequence[_Call], earlier: dict[tuple[str, str], Row]
) -> None:
    """Of new events only. One conflict undoes all of its call."""
    rows: list[NewDelivery] = []
    for call in calls:
        firsts = [_first(call, stored, earlier) for stored in call.stored]
        new = [s for s, first in zip(call.stored, firsts, strict=True) if first is None]
        if new and isinstance(answer := _receipts(call, earlier), CallboardError):
            raise answer
        rows += [row for stored in new for row in _deliveries(call, stored)]
    if rows:
        await ledger.enter(db, rows, max(call.now for call in calls))


def _deliveries(call: _Call, stored: _Stored) -> list[NewDelivery]:
    return [_delivery(call, stored, listener) for listener in stored.listeners]


def _delivery(call: _Call, stored: _Stored, listener: Listener) -> NewDelivery:
    state = DeliveryState.HELD
    if listener.state is WebhookState.ACTIVE:
        state = DeliveryState.PENDING
    elif listener.takes_until is not None and call.now >= listener.takes_until:
        state = DeliveryState.EXPIRED
    held = state is DeliveryState.HELD
    ended = state is DeliveryState.EXPIRED
    at_once = state is DeliveryState.PENDING and listener.delivery is None
    return NewDelivery(
        event=stored.id,
        account=call.account,
        webhook=listener.id,
        state=state,
        due=call.now if at_once else None,
        held_until=call.now + timedelta(days=listener.hold_days) if held else None,
        created_at=call.now,
        finished_at=call.now if ended else None,
        reason="not kept" if ended else None,
        record=_record(stored, listener),
    )


def _record(stored: _Stored, listener: Listener) -> str | None:
    """Only where a newer event of the same record may stand for this one."""
    if listener.delivery is None or not listener.delivery.latest_only:
        return None
    return record_of(stored.new.type, stored.data)


def _receipts(
    call: _Call, earlier: dict[tuple[str, str], Row]
) -> list[Receipt] | CallboardError:
    receipts = []
    for stored in call.stored:
        first = _first(call, stored, earlier)
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
