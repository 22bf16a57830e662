"""Notices that wait to be sent, each with those that go in the same mail."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from callboard.database import Database, reading, writing
from callboard.notices.tables import Notice

_AT_ONCE = 20
_MOST_TOGETHER = 2000
_GIVES_UP = timedelta(days=1)
_LONGEST_WAIT = timedelta(hours=1)
# So long a mail waits for the deliveries that it counts to be held.
_SETTLES = timedelta(seconds=30)
# A lease ends with its worker. One's own is left of a round that came to no end: a
# worker does one at a time.
_FREE = """
    (lease IS NULL OR lease = :worker
        OR NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = notice.lease))
"""
_SETTLED = """
    NOT (kind = 'deactivated' AND created_at > :settles AND EXISTS (
        SELECT 1 FROM turn t WHERE t.webhook = notice.webhook
        AND t.follow IS NOT NULL))
"""


async def take(worker: str, now: datetime) -> list[list[Notice]]:
    """Leases what is due, and what waits for the same mail. Nothing while the others
    take the worker for dead: they would send the same."""
    async with writing() as db:
        ids = await _lease(db, worker, now)
    if not ids:
        return []
    rows = Notice.objects().where(Notice.id.is_in(ids)).order_by(Notice.id)
    return _grouped(await rows)


async def next_due(worker: str) -> datetime | None:
    """When the next one is due that nobody else is sending."""
    async with reading() as db:
        rows = await db.fetch(
            f"""
            SELECT due FROM notice WHERE due IS NOT NULL AND {_FREE}
            ORDER BY due LIMIT 1
            """,
            worker=worker,
        )
    return rows[0]["due"] if rows else None


async def sent(
    notices: Sequence[Notice], subject: str, text: str, now: datetime
) -> None:
    """The text is kept once, with the first."""
    said = {"sent_at": now, "due": None, "error": "", "subject": subject}
    await _settle(notices[:1], text=text, **said)
    await _settle(notices[1:], **said)


async def failed(notices: Sequence[Notice], error: str, now: datetime) -> None:
    for notice in notices:
        wait = min(timedelta(seconds=15 * 2**notice.tries), _LONGEST_WAIT)
        over = now + wait > notice.created_at + _GIVES_UP
        await _settle([notice], due=None if over else now + wait, error=error)


async def give_up(notice: Notice, error: str) -> None:
    """For what need not be told any more. It has no failed tries to show."""
    await _settle([notice], due=None, tries=0, error=error)


async def _lease(db: Database, worker: str, now: datetime) -> list[int]:
    settles = now - _SETTLES
    due = await db.fetch(
        f"""
        SELECT id FROM notice WHERE due <= :now AND {_FREE} AND {_SETTLED}
          AND EXISTS (SELECT 1 FROM worker WHERE id = :worker)
        ORDER BY due LIMIT :most FOR UPDATE OF notice SKIP LOCKED
        """,
        worker=worker,
        now=now,
        settles=settles,
        most=_AT_ONCE,
    )
    if not due:
        return []
    found = sorted(row["id"] for row in due)
    ids = sorted({*found, *await _company(db, worker, found, settles)})
    await db.fetch(
        "UPDATE notice SET lease = :worker, tries = tries + 1 WHERE id = ANY(:ids)",
        worker=worker,
        ids=ids,
    )
    return ids


async def _company(
    db: Database, worker: str, ids: list[int], settles: datetime
) -> set[int]:
    """Those that go in the same mails: of the same kind, about the same host, to the
    same address, and not tried yet."""
    rows = await db.fetch(
        f"""
        SELECT id FROM notice WHERE due IS NOT NULL AND tries = 0 AND host != ''
          AND {_FREE} AND {_SETTLED} AND EXISTS (
            SELECT 1 FROM notice n WHERE n.id = ANY(:ids)
            AND n.account = notice.account AND n.address = notice.address
            AND n.kind = notice.kind AND n.host = notice.host)
        ORDER BY id LIMIT :most FOR UPDATE OF notice SKIP LOCKED
        """,
        worker=worker,
        ids=ids,
        settles=settles,
        most=_MOST_TOGETHER,
    )
    return {row["id"] for row in rows}


def _grouped(notices: Iterable[Notice]) -> list[list[Notice]]:
    groups: dict[object, list[Notice]] = {}
    for each in notices:
        shared = (each.account, each.address, each.kind, each.host)
        groups.setdefault(shared if each.host else each.id, []).append(each)
    return list(groups.values())


async def _settle(notices: Sequence[Notice], **values: object) -> None:
    if not notices:
        return
    values |= {"lease": None}
    columns = {getattr(Notice, name): value for name, value in values.items()}
    async with writing():
        ids = [each.id for each in notices]
        await Notice.update(columns).where(Notice.id.is_in(ids))
