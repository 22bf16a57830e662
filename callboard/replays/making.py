"""The deliveries that a replay makes, a few at a time, and takes back."""

from datetime import datetime
from typing import Any

from callboard.database import Database, Rows
from callboard.delivery import acts, events, ledger
from callboard.delivery.ledger import NewDelivery
from callboard.replays import bounds, pace, picking
from callboard.replays.pace import UnderWay
from callboard.replays.picking import Picks
from callboard.replays.sources import Picked
from callboard.replays.tables import Replay


async def feed(
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
        picks = await picking.pick(db, await bounds.of_replay(row), row.cursor, room)
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


async def drop_waiting(db: Database, replay: str, webhook: str, now: datetime) -> None:
    """Cancels what still waits of a replay, in the transaction that cancels it."""
    rows = await db.fetch(
        "SELECT delivery FROM replay_delivery WHERE replay = :replay", replay=replay
    )
    made = [row["delivery"] for row in rows]
    if made:
        await acts.cancel_many(db, webhook, made, "replay cancelled", now)


def _allowed(row: Replay, now: datetime) -> float | None:
    rate: float | None = row.rate
    passed = (now - row.tokens_at).total_seconds()
    return None if rate is None else pace.tokens(row.tokens, passed, rate)


async def _make(db: Database, row: Replay, picked: list[Picked], now: datetime) -> int:
    """Returns how many: an event may have been forgotten since it was picked."""
    due = None if await _has_runs(db, row) else now
    kept = await events.keep(db, row.account, [each.event for each in picked])
    new = [
        NewDelivery.on_request(
            row.account, row.webhook, each.event, each.repeats, due, now
        )
        for each in picked
        if each.event in kept
    ]
    await ledger.enter(db, new, now, bulk=True)
    await _list(db, row, [each.event for each in new], now)
    return len(new)


async def _has_runs(db: Database, row: Replay) -> bool:
    """Whether the webhook has scheduled runs: then what is sent again waits for the
    next one, as everything does."""
    found = await db.fetch(
        "SELECT 1 FROM schedule WHERE webhook = :webhook AND next_run IS NOT NULL",
        webhook=row.webhook,
    )
    return bool(found)


async def _list(db: Database, row: Replay, event_ids: list[str], now: datetime) -> None:
    """Notes what was made just now as under way."""
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
