"""The events of what has been claimed."""

from collections.abc import Sequence

from msgspec.structs import replace

from callboard.database import Database, Row
from callboard.delivery.ledger.values import Claimed
from callboard.payload.values import Facts

# Characters of data. More is read when the call begins: a thousand deliveries may wait
# for that, and would lie in memory.
_LARGE = 16 * 1024


async def facts_of(db: Database, picked: Sequence[Row]) -> dict[str, tuple[Facts, int]]:
    """Each once, however many webhooks it goes to; and what of it is unread."""
    ids = {row["event"] for row in picked}
    if not ids:
        return {}
    rows = await db.fetch(
        """
        SELECT id, type, CASE WHEN length(data) <= :large THEN data END AS data,
               occurred_at, context
        FROM event WHERE id = ANY(:ids)
        """,
        ids=list(ids),
        large=_LARGE,
    )
    large = [row["id"] for row in rows if row["data"] is None]
    unread = await _lengths(db, large) if large else {}
    return {row["id"]: _told(row, unread.get(row["id"], 0)) for row in rows}


async def _lengths(db: Database, ids: list[str]) -> dict[str, int]:
    sql = "SELECT id, length(data) AS size FROM event WHERE id = ANY(:ids)"
    return {row["id"]: row["size"] for row in await db.fetch(sql, ids=ids)}


async def weighed(db: Database, claimed: list[Claimed]) -> list[Claimed]:
    """Those that lead a call with the length of all that goes in it."""
    buckets = [each.bucket for each in claimed if each.bucket]
    if not buckets:
        return claimed
    length = "length" if db.is_sqlite else "octet_length"  # for which it reads no data
    rows = await db.fetch(
        f"""
        SELECT bucket, sum({length}(data)) AS size
        FROM delivery d JOIN event e ON e.id = d.event
        WHERE bucket = ANY(:buckets) GROUP BY bucket
        """,
        buckets=buckets,
    )
    sizes = {row["bucket"]: int(row["size"]) for row in rows}
    return [_weighed(each, sizes.get(each.bucket or "", 0)) for each in claimed]


def _weighed(claimed: Claimed, size: int) -> Claimed:
    return replace(claimed, unread=size) if size > _LARGE else claimed


def _told(row: Row, unread: int) -> tuple[Facts, int]:
    id, type, data, occurred_at, context = row.values()
    return Facts(id, type, data or "", occurred_at, context), unread


async def read(db: Database, claimed: Claimed) -> Claimed | None:
    """With all of its event. None where its lease was taken away meanwhile."""
    rows = await db.fetch(
        """
        SELECT data FROM delivery d JOIN event e ON e.id = d.event
        WHERE d.seq = :seq AND d.lease = :lease
        """,
        seq=claimed.seq,
        lease=claimed.lease,
    )
    if not rows:
        return None
    facts = replace(claimed.facts, data=rows[0]["data"])
    return replace(claimed, facts=facts, unread=0)
