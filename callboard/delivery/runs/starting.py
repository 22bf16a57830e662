"""A run begins: it takes what waits, puts it into calls and makes these due."""

from collections.abc import Sequence
from datetime import datetime

from callboard import ids, schedule
from callboard.database import Database, Rows
from callboard.delivery import buckets
from callboard.delivery.locks import lock_turn
from callboard.delivery.runs.planned import Wanted, count_waiting
from callboard.delivery.runs.superseding import supersede
from callboard.schedule import Call, Waiting


async def start(
    db: Database, run: Wanted, hand: bool, superseded: int, now: datetime
) -> int | None:
    """The deliveries that it took; None if somebody else was quicker.

    `hand`: a person asked for it, and the plan stays as it is. `superseded`: so many
    were cancelled for it before.
    """
    if not await _take(db, run, hand, now):
        return None
    if run.schedule.latest_only:
        superseded += await supersede(db, run.webhook, now)
    await lock_turn(db, run.webhook)
    waiting = await _waiting(db, run)
    if not waiting and not superseded:
        return 0
    calls = await _calls(db, waiting, run.schedule.bucket_size)
    left = max(await count_waiting(db, run.webhook) - len(waiting), 0)
    id = await _insert(db, run, hand, (len(waiting), len(calls), left, superseded), now)
    await _make_due(db, id, calls, now)
    await _set_going(db, run.webhook, id, now)
    return len(waiting)


async def _take(db: Database, run: Wanted, hand: bool, now: datetime) -> bool:
    """Of two workers one gets it; the other finds the plan moved on. Nobody does while
    what was held is put back, or discarded: it would miss the oldest."""
    following = schedule.run_after(run.next_run, run.schedule.gap, now)
    rows = await db.fetch(
        """
        UPDATE schedule SET looked_at = :now, next_run = :next, planned_at = :planned
        WHERE webhook = :webhook AND going IS NULL AND next_run = :seen
          AND planned_at = :seen_at AND EXISTS (SELECT 1 FROM turn
            WHERE turn.webhook = schedule.webhook AND turn.follow IS NULL)
        RETURNING webhook
        """,
        webhook=run.webhook,
        now=now,
        seen=run.next_run,
        seen_at=run.planned_at,
        next=run.next_run if hand else following,
        planned=run.planned_at if hand else now,
    )
    return bool(rows)


async def _waiting(db: Database, run: Wanted) -> list[Waiting]:
    """What a person sends waits too where order counts, and must not be passed."""
    rows = await db.fetch(
        """
        SELECT seq, bucket FROM delivery
        WHERE webhook = :webhook AND state = 'pending' AND lease IS NULL
          AND (due IS NULL OR trigger != 'plan')
        ORDER BY seq LIMIT :most
        """,
        webhook=run.webhook,
        most=run.schedule.batch_size,
    )
    return [Waiting(row["seq"], row["bucket"]) for row in rows]


async def _calls(db: Database, waiting: Sequence[Waiting], size: int) -> list[Call]:
    known = sorted({each.bucket for each in waiting if each.bucket})
    rows = await db.fetch(
        "SELECT bucket, count(*) AS members FROM delivery"
        " WHERE bucket = ANY(:known) GROUP BY bucket",
        known=known,
    )
    members = {row["bucket"]: row["members"] for row in rows}
    calls = schedule.calls(waiting, members, size)
    kept = {call.bucket for call in calls}
    await buckets.dissolve(db, [id for id in known if id not in kept])
    return calls


async def _insert(
    db: Database,
    run: Wanted,
    hand: bool,
    counts: tuple[int, int, int, int],
    now: datetime,
) -> int:
    taken, calls, left, superseded = counts
    rows = await db.fetch(
        """
        INSERT INTO run (webhook, hand, started_at, taken, calls, waiting, superseded,
            delivered, again, failed)
        VALUES (:webhook, :hand, :now, :taken, :calls, :left, :superseded, 0, 0, 0)
        RETURNING id
        """,
        webhook=run.webhook,
        hand=hand,
        now=now,
        taken=taken,
        calls=calls,
        left=left,
        superseded=superseded,
    )
    return int(rows[0]["id"])


async def _make_due(
    db: Database, run: int, calls: Sequence[Call], now: datetime
) -> None:
    """The first of each call leads it: it alone is due."""
    rows = []
    for call in calls:
        several = len(call.seqs) > 1
        bucket = call.bucket or (ids.make("bat", now) if several else None)
        rows += [
            (seq, bucket, now if seq == call.seqs[0] else None) for seq in call.seqs
        ]
    await db.fetch(
        """
        UPDATE delivery SET run = :run, bucket = taken.bucket, due = taken.due
        FROM {taken} WHERE delivery.seq = taken.seq
        """,
        run=run,
        taken=Rows({"seq": "bigint", "bucket": "text", "due": "timestamptz"}, rows),
    )


async def _set_going(db: Database, webhook: str, run: int, now: datetime) -> None:
    await db.fetch(
        "UPDATE schedule SET going = :run WHERE webhook = :webhook",
        run=run,
        webhook=webhook,
    )
    await db.fetch(
        "UPDATE turn SET next_due = :now, empty_looks = 0 WHERE webhook = :webhook",
        webhook=webhook,
        now=now,
    )
