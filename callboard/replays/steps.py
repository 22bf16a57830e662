"""A step of a replay: one transaction that makes deliveries and moves the cursor.

Its first statement takes the replay by compare-and-set, so of two workers one steps;
one that dies in the middle leaves nothing behind, and the next goes on from the cursor.
"""

import logging
from collections import Counter
from datetime import datetime, timedelta

from callboard.database import Database
from callboard.delivery.states import FINISHED
from callboard.replays import making, pace
from callboard.replays.pace import UnderWay
from callboard.replays.states import ReplayState
from callboard.replays.tables import Replay
from callboard.webhooks.states import WebhookState

SOON = timedelta(seconds=pace.LOOKS_EVERY)
_LATER = timedelta(seconds=1)

log = logging.getLogger(__name__)


async def step(db: Database, id: str, share: int, now: datetime) -> datetime | None:
    """When to look at it again; None when there is nothing left, or it was taken.
    `share`: how many it may have waiting."""
    row = await _take(db, id, now)
    if row is None:
        return None
    ended = await _count_ended(db, row)
    under_way = await _under_way(db, row, now)
    made = 0
    if row.state == ReplayState.CANCELLED:
        await making.drop_waiting(db, id, row.webhook, now)
    elif row.state == ReplayState.RUNNING and await _may_go_on(db, row, now):
        made = await making.feed(db, row, under_way, share, now)
    stirs = bool(ended or made or under_way.waiting or under_way.called)
    return await _settle(db, row, under_way.all + made, stirs, now)


async def _take(db: Database, id: str, now: datetime) -> Replay | None:
    """Whoever moves `next_at` has the row until the transaction ends."""
    taken = await db.fetch(
        "UPDATE replay SET next_at = :soon"
        " WHERE id = :id AND next_at <= :now RETURNING id",
        id=id,
        soon=now + SOON,
        now=now,
    )
    return await Replay.objects().get(Replay.id == id) if taken else None


async def _count_ended(db: Database, row: Replay) -> int:
    """Those that have ended leave the list of the others and are counted."""
    found = await db.fetch(
        """
        SELECT l.delivery, d.state FROM replay_delivery l
        LEFT JOIN delivery d ON d.seq = l.delivery
        WHERE l.replay = :replay AND (d.seq IS NULL OR d.state = ANY(:finished))
        """,
        replay=row.id,
        finished=list(FINISHED),
    )
    if found:
        ended = [each["delivery"] for each in found]
        await db.fetch(
            "DELETE FROM replay_delivery WHERE delivery = ANY(:ended)", ended=ended
        )
        await _add(db, row.id, Counter(each["state"] or "forgotten" for each in found))
    return len(found)


async def _add(db: Database, replay: str, counts: Counter[str]) -> None:
    await db.fetch(
        """
        UPDATE replay SET delivered = delivered + :delivered,
            failed = failed + :failed, expired = expired + :expired,
            cancelled = cancelled + :cancelled, forgotten = forgotten + :forgotten
        WHERE id = :id
        """,
        id=replay,
        forgotten=counts["forgotten"],
        **{state.value: counts[state] for state in FINISHED},
    )


async def _under_way(db: Database, row: Replay, now: datetime) -> UnderWay:
    found = await db.fetch(
        """
        SELECT d.due, d.lease FROM replay_delivery l
        JOIN delivery d ON d.seq = l.delivery
        WHERE l.replay = :replay
          AND (d.lease IS NOT NULL OR d.due IS NULL OR d.due <= :now)
        """,
        replay=row.id,
        now=now,
    )
    waiting = [each["due"] for each in found if not each["lease"]]
    # Without a due time it waits for the next scheduled run, and delays nobody.
    dues = [due for due in waiting if due]
    count, failing = await _count_all(db, row)
    return UnderWay(
        all=count,
        waiting=len(waiting),
        called=len(found) - len(waiting),
        longest=(now - min(dues)).total_seconds() if dues else 0.0,
        failing=failing,
    )


async def _count_all(db: Database, row: Replay) -> tuple[int, bool]:
    """Those that have not ended, and whether their receiver fails."""
    found = await db.fetch(
        """
        SELECT count(*) AS n, (SELECT 1 FROM health
            WHERE webhook = :webhook AND since IS NOT NULL) AS failing
        FROM replay_delivery WHERE replay = :replay
        """,
        webhook=row.webhook,
        replay=row.id,
    )
    return found[0]["n"], bool(found[0]["failing"])


async def _may_go_on(db: Database, row: Replay, now: datetime) -> bool:
    """Only to an active webhook; with a deleted one the replay ends."""
    found = await db.fetch("SELECT state FROM webhook WHERE id = :id", id=row.webhook)
    if found[0]["state"] == WebhookState.DELETED:
        await _end(db, row, ReplayState.CANCELLED, now)
    return bool(found[0]["state"] == WebhookState.ACTIVE) and not row.exhausted


async def _settle(
    db: Database, row: Replay, under_way: int, stirs: bool, now: datetime
) -> datetime | None:
    """When to look again: soon while something is on its way."""
    next_at: datetime | None = now + (SOON if stirs else _LATER)
    if not under_way:
        if row.state == ReplayState.RUNNING and row.exhausted:
            await _end(db, row, ReplayState.FINISHED, now)
        if row.state != ReplayState.RUNNING:
            next_at = None
    await Replay.update({Replay.next_at: next_at}).where(Replay.id == row.id)
    return next_at


async def _end(db: Database, row: Replay, state: ReplayState, now: datetime) -> None:
    row.state = state
    await db.fetch(
        "UPDATE replay SET state = :state, finished_at = :now WHERE id = :id",
        state=state,
        now=now,
        id=row.id,
    )
    log.info(f"replay.{state}", extra={"replay": row.id, "made": row.made})
