"""Scheduled runs: a run makes due what it takes, and the claim does the rest.

A delivery of a webhook with a schedule is pending without a due time until a run takes
it, and again after a try that failed. Locks come in this order: schedule, turn,
deliveries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from callboard import ids, schedule
from callboard.database import Database, Row, Rows
from callboard.delivery import buckets
from callboard.schedule import Call, Schedule, Waiting

STEP = 1000
_AT_ONCE = 100
_MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that ought to be; `next_run`: for when it was planned."""

    webhook: str
    next_run: datetime
    planned_at: datetime
    schedule: Schedule


async def wanted(db: Database, now: datetime) -> list[Wanted]:
    """Of active webhooks, the longest overdue first. While deliveries are still being
    put back from hold none begins, or it would miss the oldest."""
    rows = await db.fetch(
        f"""
        {_WANTED} AND s.going IS NULL AND t.open AND t.follow IS NULL
          AND (s.next_run <= :now OR s.planned_at > :set_back)
        ORDER BY s.next_run LIMIT :most
        """,
        now=now,
        set_back=now + schedule.SKEW,
        most=_AT_ONCE,
    )
    return [_wanted(row) for row in rows]


async def of_webhook(db: Database, webhook: str) -> Wanted | None:
    """None where it has no schedule."""
    rows = await db.fetch(f"{_WANTED} AND s.webhook = :webhook", webhook=webhook)
    return _wanted(rows[0]) if rows else None


async def count_waiting(db: Database, webhook: str) -> int:
    """As far as anybody wants to count."""
    rows = await db.fetch(
        """
        SELECT count(*) AS waiting FROM (
            SELECT 1 FROM delivery WHERE webhook = :webhook AND state = 'pending'
            AND due IS NULL AND lease IS NULL LIMIT :most) AS counted
        """,
        webhook=webhook,
        most=_MOST_COUNTED,
    )
    return int(rows[0]["waiting"])


_WANTED = """
    SELECT s.webhook, s.next_run, s.planned_at, w.delivery FROM schedule s
    JOIN webhook w ON w.id = s.webhook JOIN turn t ON t.webhook = s.webhook
    WHERE s.next_run IS NOT NULL
"""


def _wanted(row: Row) -> Wanted:
    found = msgspec.json.decode(row["delivery"], type=Schedule)
    return Wanted(row["webhook"], row["next_run"], row["planned_at"], found)


async def supersede(db: Database, webhook: str, now: datetime) -> int:
    """One step: of those that wait for a run, what a newer event of the same record
    stands for, is cancelled. The number of them."""
    await _lock_turn(db, webhook)
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = 'superseded', planned = NULL,
            finished_at = :now
        WHERE seq IN (
            SELECT d.seq FROM delivery d
            WHERE d.webhook = :webhook AND d.state = 'pending' AND d.record IS NOT NULL
              AND d.due IS NULL AND d.lease IS NULL AND EXISTS (
                SELECT 1 FROM delivery newer WHERE newer.webhook = d.webhook
                AND newer.state = 'pending' AND newer.record = d.record
                AND newer.seq > d.seq)
            LIMIT :step)
        RETURNING seq
        """,
        webhook=webhook,
        now=now,
        step=STEP,
    )
    return len(rows)


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
    await _lock_turn(db, run.webhook)
    waiting = await _waiting(db, run)
    if not waiting and not superseded:
        return 0
    calls = await _calls(db, waiting, run.schedule.bucket_size)
    left = max(await count_waiting(db, run.webhook) - len(waiting), 0)
    id = await _insert(db, run, hand, (len(waiting), len(calls), left, superseded), now)
    await _make_due(db, id, calls, now)
    await db.fetch(
        "UPDATE schedule SET going = :run WHERE webhook = :webhook",
        run=id,
        webhook=run.webhook,
    )
    await db.fetch(
        "UPDATE turn SET next_due = :now, empty_looks = 0 WHERE webhook = :webhook",
        webhook=run.webhook,
        now=now,
    )
    return len(waiting)


async def _take(db: Database, run: Wanted, hand: bool, now: datetime) -> bool:
    """Of two workers one gets it; the other finds the plan moved on."""
    following = schedule.run_after(run.next_run, run.schedule.gap, now)
    rows = await db.fetch(
        """
        UPDATE schedule SET looked_at = :now, next_run = :next, planned_at = :planned
        WHERE webhook = :webhook AND going IS NULL AND next_run = :seen
          AND planned_at = :seen_at
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
        FROM {taken} WHERE delivery.seq = taken.seq AND delivery.state = 'pending'
          AND delivery.lease IS NULL
        """,
        run=run,
        taken=Rows({"seq": "bigint", "bucket": "text", "due": "timestamptz"}, rows),
    )


async def ended(db: Database) -> list[tuple[str, int]]:
    """Webhooks and runs of which nothing more can go out. Where order counts one that
    failed ends the run: nothing may pass it."""
    rows = await db.fetch(
        """
        SELECT s.webhook, s.going FROM schedule s
        JOIN turn t ON t.webhook = s.webhook
        WHERE s.going IS NOT NULL AND (NOT EXISTS (
            SELECT 1 FROM delivery d WHERE d.run = s.going AND d.state = 'pending'
            AND (d.lease IS NOT NULL OR d.due IS NOT NULL))
          OR t.ordered AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NULL
            AND d.seq = (SELECT min(seq) FROM delivery
                WHERE webhook = s.webhook AND state = 'pending')))
        """
    )
    return [(row["webhook"], row["going"]) for row in rows]


async def finish(db: Database, webhook: str, run: int, now: datetime) -> None:
    """Writes down what came of it; what it could not send waits for the next one."""
    rows = await db.fetch(
        """
        UPDATE schedule SET going = NULL WHERE webhook = :webhook AND going = :run
        RETURNING webhook
        """,
        webhook=webhook,
        run=run,
    )
    if not rows:
        return
    await _lock_turn(db, webhook)
    rest = await db.fetch(
        """
        UPDATE delivery SET due = NULL WHERE run = :run AND state = 'pending'
          AND lease IS NULL AND due IS NOT NULL AND trigger = 'plan'
        RETURNING seq
        """,
        run=run,
    )
    counted = await db.fetch(
        "SELECT state, count(*) AS deliveries FROM delivery WHERE run = :run"
        " GROUP BY state",
        run=run,
    )
    counts = {row["state"]: row["deliveries"] for row in counted}
    await db.fetch(
        """
        UPDATE run SET ended_at = :now, delivered = :delivered, failed = :failed,
            again = :again, waiting = waiting + :rest
        WHERE id = :run
        """,
        run=run,
        now=now,
        delivered=counts.get("delivered", 0),
        failed=counts.get("failed", 0),
        again=counts.get("pending", 0) - len(rest),
        rest=len(rest),
    )


async def misplaced(db: Database) -> list[str]:
    """Webhooks with deliveries that did not follow a change of the schedule: due by
    themselves although a run should take them, or waiting for a run that never is."""
    rows = await db.fetch(
        """
        SELECT s.webhook FROM schedule s WHERE s.next_run IS NULL AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NULL)
        OR s.next_run IS NOT NULL AND EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL
            AND d.run IS NULL AND d.trigger = 'plan')
        """
    )
    return [row["webhook"] for row in rows]


async def align(db: Database, webhook: str, now: datetime) -> None:
    """One step of making these follow."""
    await _lock_turn(db, webhook)
    rows = await db.fetch(
        "SELECT next_run FROM schedule WHERE webhook = :webhook", webhook=webhook
    )
    if rows[0]["next_run"] is None:
        changes, which = "due = :now, run = NULL, bucket = NULL", "due IS NULL"
    else:
        changes = "due = NULL"
        which = "due IS NOT NULL AND run IS NULL AND trigger = 'plan'"
    await db.fetch(
        f"""
        UPDATE delivery SET {changes} WHERE seq IN (
            SELECT seq FROM delivery WHERE webhook = :webhook AND state = 'pending'
            AND lease IS NULL AND {which} ORDER BY seq LIMIT :step)
        """,
        webhook=webhook,
        now=now,
        step=STEP,
    )
    await db.fetch(
        "UPDATE turn SET next_due = :now WHERE webhook = :webhook",
        webhook=webhook,
        now=now,
    )


async def _lock_turn(db: Database, webhook: str) -> None:
    await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook FOR UPDATE", webhook=webhook
    )
