from datetime import datetime

import msgspec
from piccolo.custom_types import Combinable

from callboard.database import Row, reading
from callboard.delivery.tables import Event
from callboard.errors import NotFound
from callboard.matching.subject import Subject
from callboard.paging import Page, decode_cursor, page_of


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
    return page_of(rows, limit, lambda row: row.id)


def subject_of(event: Row) -> Subject:
    """The event as filters see it, by its columns."""
    return Subject(
        event["data"],
        event["accepted_at"],
        msgspec.json.decode(event["context"], type=tuple[str, ...]),
        event["sending"],
        event["kind"],
    )
