"""Calls that carry several deliveries.

A bucket is a set of deliveries that a scheduled run has put into one call; while that
fails it is made again with the same members, under the same id. One of them leads: it
alone has a due time, is claimed and counts as a call. The others ride: they are leased
as the call is made and share what comes of it.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

import msgspec

from callboard import ids
from callboard.database import Database, Row
from callboard.delivery.ledger.facts import read
from callboard.delivery.ledger.values import Claimed
from callboard.delivery.locks import lock_turn
from callboard.payload.values import Facts


async def board(db: Database, lead: Claimed) -> list[Claimed]:
    """Leases all that ride with `lead`; these and itself, in order. None, where its
    lease was taken away: another worker makes this call.

    Itself alone, and no bucket any more, where one of them is under way already: a
    person has tried it by hand meanwhile. If one claim took both, that one is due,
    too.
    """
    await lock_turn(db, lead.webhook)
    whole = await read(db, lead)
    if whole is None:
        return []
    rows = await _others(db, lead)
    if not rows or any(_goes_itself(row, lead) for row in rows):
        await dissolve(db, [lead.bucket] if rows and lead.bucket else [], lead.lease)
        return [msgspec.structs.replace(whole, bucket=None)]
    await db.fetch(
        "UPDATE delivery SET lease = :lease, due = NULL WHERE seq = ANY(:riding)",
        lease=lead.lease,
        riding=[row["seq"] for row in rows],
    )
    others = [_riding(lead, row) for row in rows]
    return sorted([whole, *others], key=attrgetter("seq"))


def _goes_itself(row: Row, lead: Claimed) -> bool:
    return row["lease"] is not None and (
        row["lease"] != lead.lease or row["due"] is not None
    )


def _riding(lead: Claimed, row: Row) -> Claimed:
    return msgspec.structs.replace(
        lead,
        seq=row["seq"],
        tries=row["tries"],
        attempts=row["attempts"],
        planned=None,
        facts=Facts(*[row[name] for name in Facts.__struct_fields__]),
        unread=0,
        rides=True,
    )


async def _others(db: Database, lead: Claimed) -> list[Row]:
    """Of its bucket; those that wait."""
    return await db.fetch(
        """
        SELECT d.seq, d.lease, d.due, d.tries, d.attempts,
               e.id, e.type, e.data, e.occurred_at, e.context
        FROM delivery own JOIN delivery d ON d.bucket = own.bucket
        JOIN event e ON e.id = d.event
        WHERE own.seq = :lead AND d.state = 'pending' AND d.seq != own.seq
        ORDER BY d.seq
        """,
        lead=lead.seq,
    )


async def part(db: Database, left: Sequence[Claimed], now: datetime) -> None:
    """Those that a call cannot hold: of `board`, the last. They go in a call of their
    own, which is due at once. Nothing, where their lease was taken away."""
    first, bucket = left[0], ids.make("bat", now)
    await lock_turn(db, first.webhook)
    moved = await db.fetch(
        """
        UPDATE delivery SET lease = NULL, bucket = :bucket
        WHERE seq = ANY(:left) AND lease = :lease RETURNING run
        """,
        bucket=bucket,
        left=[each.seq for each in left],
        lease=first.lease,
    )
    if not moved:
        return
    values = {"webhook": first.webhook, "seq": first.seq, "now": now}
    await db.fetch("UPDATE delivery SET due = :now WHERE seq = :seq", **values)
    await db.fetch("UPDATE turn SET next_due = :now WHERE webhook = :webhook", **values)
    await db.fetch("UPDATE run SET calls = calls + 1 WHERE id = :run", **moved[0])


async def dissolve(db: Database, buckets: list[str], lease: str = "") -> None:
    """Those that wait part, and go into other calls in the next run; so do those of
    this lease. A call under way keeps its own together: they are set free by that."""
    if buckets:
        await db.fetch(
            """
            UPDATE delivery SET bucket = NULL
            WHERE bucket = ANY(:buckets) AND state IN ('pending', 'held')
              AND (lease IS NULL OR lease = :lease)
            """,
            buckets=buckets,
            lease=lease,
        )
