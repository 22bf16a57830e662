"""Takes replays further, step by step: what arq runs, and each worker by itself.

A step is one transaction that makes some deliveries and moves the replay's cursor. Its
first statement takes the replay by compare-and-set, so of two workers one steps; one
that dies in the middle leaves nothing behind, and the next goes on from the cursor.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from callboard.database import Database, Rows, reading, writing
from callboard.delivery import events, ledger
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import FINISHED, DeliveryState, Trigger
from callboard.errors import Unavailable
from callboard.replays import pace, picking, replays
from callboard.replays.pace import UnderWay
from callboard.replays.picking import Picked, Picks
from callboard.replays.states import ReplayState
from callboard.replays.tables import Replay
from callboard.webhooks.states import WebhookState

_BY_ITSELF = 1.0
# arq cuts a job off after 30 s; a worker that dies keeps its job blocked for 10 more.
_SHIFT = 15.0
_SOON = timedelta(seconds=pace.LOOKS_EVERY)
_LATER = timedelta(seconds=1)
# Others wait when they should have been called so long ago.
_WAITS = timedelta(milliseconds=50)
_MOST_AT_ONCE = 50

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayer:
    """`places`: calls that this worker may have in flight. `ring` wakes its pump,
    `call` asks arq for a shift."""

    clock: Callable[[], datetime]
    ring: Callable[[], None]
    call: Callable[[], None]
    places: int

    async def run(self) -> None:
        """Until cancelled: one step each second, and a call for whoever goes faster."""
        while True:
            if await self._advance() is not None:
                self.call()
            await asyncio.sleep(_BY_ITSELF)

    async def work(self) -> None:
        """A shift: while there is something to do, and not for long."""
        end = monotonic() + _SHIFT
        while monotonic() < end:
            soonest = await self._advance()
            if soonest is None or soonest > self.clock() + _SOON:
                return
            await asyncio.sleep(pace.LOOKS_EVERY)

    async def _advance(self) -> datetime | None:
        """An outage of the database ends nothing."""
        try:
            soonest = await advance(self.clock(), self.places)
        except Unavailable:
            log.warning("replays.database_away")
            return None
        if soonest is not None:
            self.ring()
        return soonest


async def advance(now: datetime, places: int) -> datetime | None:
    """One step of each replay that is due; when the next one will be, if any."""
    async with reading() as db:
        rows = await db.fetch(
            "SELECT id, next_at FROM replay WHERE next_at IS NOT NULL"
            " ORDER BY next_at LIMIT :most",
            most=_MOST_AT_ONCE,
        )
    nexts = [row["next_at"] for row in rows if row["next_at"] > now]
    due = [row["id"] for row in rows if row["next_at"] <= now]
    for id in due:
        async with writing() as db:
            next_at = await step(db, id, len(rows), places, now)
        if next_at is not None:
            nexts.append(next_at)
    return min(nexts, default=None)


async def step(
    db: Database, id: str, sharing: int, places: int, now: datetime
) -> datetime | None:
    """When to look at it again; None when there is nothing left, or it was taken.
    `sharing`: replays that are open."""
    row = await _take(db, id, now)
    if row is None:
        return None
    ended = await _count_ended(db, row)
    under_way = await _under_way(db, row, now)
    made = 0
    if row.state == ReplayState.CANCELLED:
        await replays.drop_waiting(db, id, row.webhook, now)
    elif row.state == ReplayState.RUNNING and await _may_go_on(db, row, now):
        share = pace.share(places, sharing, await _others_wait(db, now))
        made = await _feed(db, row, under_way, share, now)
    stirs = bool(ended or made or under_way.waiting)
    return await _settle(db, row, under_way.all + made, stirs, now)


async def _take(db: Database, id: str, now: datetime) -> Replay | None:
    """Whoever moves `next_at` has the row until the transaction ends."""
    taken = await db.fetch(
        "UPDATE replay SET next_at = :soon"
        " WHERE id = :id AND next_at <= :now RETURNING id",
        id=id,
        soon=now + _SOON,
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
    if not found:
        return 0
    await db.fetch(
        "DELETE FROM replay_delivery WHERE delivery = ANY(:ended)",
        ended=[each["delivery"] for each in found],
    )
    counts = Counter(each["state"] or "forgotten" for each in found)
    await db.fetch(
        """
        UPDATE replay SET delivered = delivered + :delivered,
            failed = failed + :failed, expired = expired + :expired,
            cancelled = cancelled + :cancelled, forgotten = forgotten + :forgotten
        WHERE id = :id
        """,
        id=row.id,
        forgotten=counts["forgotten"],
        **{state.value: counts[state] for state in FINISHED},
    )
    return len(found)


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
    # Without a due time it waits for the next scheduled run, and delays nobody.
    dues = [each["due"] for each in found if each["due"] and not each["lease"]]
    counted = await db.fetch(
        """
        SELECT count(*) AS n, (SELECT 1 FROM health
            WHERE webhook = :webhook AND since IS NOT NULL) AS failing
        FROM replay_delivery WHERE replay = :replay
        """,
        webhook=row.webhook,
        replay=row.id,
    )
    return UnderWay(
        all=counted[0]["n"],
        waiting=len(found),
        longest=(now - min(dues)).total_seconds() if dues else 0.0,
        failing=bool(counted[0]["failing"]),
    )


async def _may_go_on(db: Database, row: Replay, now: datetime) -> bool:
    """Only to an active webhook; with a deleted one the replay ends."""
    found = await db.fetch("SELECT state FROM webhook WHERE id = :id", id=row.webhook)
    if found[0]["state"] == WebhookState.DELETED:
        await _end(db, row, ReplayState.CANCELLED, now)
    return bool(found[0]["state"] == WebhookState.ACTIVE) and not row.exhausted


async def _others_wait(db: Database, now: datetime) -> bool:
    """Is there a delivery that should have been called, and that no cap keeps back?
    Other replays do not count: they are asked to share."""
    found = await db.fetch(
        """
        SELECT 1 FROM (
            SELECT webhook FROM turn
            WHERE open AND next_due <= :now AND leased < slots
              AND NOT EXISTS (SELECT 1 FROM replay r
                WHERE r.webhook = turn.webhook AND r.next_at IS NOT NULL)
            LIMIT 50
        ) AS ready WHERE EXISTS (
            SELECT 1 FROM delivery d WHERE d.webhook = ready.webhook
            AND d.state = 'pending' AND d.lease IS NULL AND d.due <= :late)
        LIMIT 1
        """,
        now=now,
        late=now - _WAITS,
    )
    return bool(found)


async def _feed(
    db: Database,
    row: Replay,
    under_way: UnderWay,
    share: int,
    now: datetime,
) -> int:
    """Makes the next deliveries, as many as there is room for."""
    size = pace.next_size(row.size, under_way, share)
    allowed = _allowed(row, now)
    room = min(pace.room(size, under_way, allowed), row.total - row.made)
    picks, made = Picks([], row.cursor, ended=False), row.made
    if room:
        picks = await picking.pick(db, await replays.bounds_of(row), row.cursor, room)
        made += await _make(db, row, picks.items, now)
    row.exhausted = picks.ended or made == row.total
    changes: dict[Any, Any] = {
        "cursor": picks.cursor,
        "made": made,
        "exhausted": row.exhausted,
        "size": size,
        "tokens": 0.0 if allowed is None else allowed - len(picks.items),
        "tokens_at": now,
    }
    await Replay.update(changes).where(Replay.id == row.id)
    return len(picks.items)


def _allowed(row: Replay, now: datetime) -> float | None:
    rate: float | None = row.rate
    passed = (now - row.tokens_at).total_seconds()
    return None if rate is None else pace.tokens(row.tokens, passed, rate)


async def _make(db: Database, row: Replay, picked: list[Picked], now: datetime) -> int:
    """How many; an event may be forgotten since it was picked."""
    at_once = not await _has_runs(db, row)
    kept = await events.keep(db, row.account, [each.event for each in picked])
    new = [
        NewDelivery(
            event=each.event,
            account=row.account,
            webhook=row.webhook,
            state=DeliveryState.PENDING,
            due=now if at_once else None,
            held_until=None,
            created_at=now,
            repeats=each.repeats,
            extra=True,
            trigger=Trigger.REPLAY,
        )
        for each in picked
        if each.event in kept
    ]
    await ledger.enter(db, new, now)
    await _list(db, row, [each.event for each in new], now)
    return len(new)


async def _has_runs(db: Database, row: Replay) -> bool:
    """Then what is sent again waits for the next one, as everything does."""
    found = await db.fetch(
        "SELECT 1 FROM schedule WHERE webhook = :webhook AND next_run IS NOT NULL",
        webhook=row.webhook,
    )
    return bool(found)


async def _list(db: Database, row: Replay, event_ids: list[str], now: datetime) -> None:
    """What was made just now, until it has ended."""
    made = await db.fetch(
        """
        SELECT max(seq) AS seq FROM delivery
        WHERE webhook = :webhook AND event = ANY(:events) AND created_at = :now
        GROUP BY event
        """,
        webhook=row.webhook,
        events=event_ids,
        now=now,
    )
    columns = {"delivery": "bigint", "replay": "text"}
    links = [(each["seq"], row.id) for each in made]
    await db.insert("replay_delivery", Rows(columns, links))


async def _settle(
    db: Database, row: Replay, under_way: int, stirs: bool, now: datetime
) -> datetime | None:
    """When to look again: soon while something is on its way."""
    next_at: datetime | None = now + (_SOON if stirs else _LATER)
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
