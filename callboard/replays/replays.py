"""Replays as people ask for them: preview, start, pause, resume, cancel."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from callboard import ids
from callboard.accounts import audit
from callboard.accounts.actor import Actor
from callboard.database import Database, reading, writing
from callboard.delivery.locks import lock_turn
from callboard.errors import Conflict, Invalid, Problem
from callboard.replays import bounds, making, picking, progress
from callboard.replays.bounds import Bounds
from callboard.replays.progress import ReplayView
from callboard.replays.selection import Selection
from callboard.replays.sources import Picked
from callboard.replays.states import OPEN, ReplayState
from callboard.replays.tables import Replay

_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent now; `samples` are the first of it."""

    count: int
    samples: list[Picked]


async def preview(
    account: str, wanted: Selection, keep: timedelta, now: datetime
) -> Preview:
    """Raises Invalid with all that is wrong; that nothing is selected is not."""
    async with reading() as db:
        selected = await bounds.of_selection(db, account, wanted, keep, now)
        samples = await picking.pick(db, selected, "", _SAMPLES)
    return Preview(await picking.count(selected), samples.items)


async def check(
    account: str, wanted: Selection, keep: timedelta, now: datetime
) -> None:
    """Raises Invalid with all that is wrong."""
    async with reading() as db:
        await bounds.of_selection(db, account, wanted, keep, now)


async def start(by: Actor, wanted: Selection, keep: timedelta) -> ReplayView:
    """`keep`: how long events are kept. Raises Invalid with all that is wrong, Conflict
    while another replay of the webhook is open: together they could send twice."""
    async with reading() as db:
        selected = await bounds.of_selection(db, by.account, wanted, keep, by.now)
    total = await picking.count(selected)  # it may take a while, so nobody waits for it
    if not total:
        text = "Nothing matches: there is nothing to send again."
        raise Invalid([Problem("", "empty", text)])
    row = _row(by, wanted, selected, total)
    async with writing() as db:
        await _refuse_a_second(db, wanted.webhook)
        await Replay.insert(row)
        await audit.note(by, "replay.started", row.id, f"{total}")
    return await progress.get(by.account, row.id)


async def pause(by: Actor, id: str) -> ReplayView:
    """Nothing more is made; what was made goes on. Unchanged if paused already."""
    return await _move(by, id, ReplayState.PAUSED)


async def resume(by: Actor, id: str) -> ReplayView:
    return await _move(by, id, ReplayState.RUNNING)


async def cancel(by: Actor, id: str) -> ReplayView:
    """Nothing more is made, and what was made and waits is cancelled, too; only calls
    under way come to their end."""
    return await _move(by, id, ReplayState.CANCELLED)


async def _refuse_a_second(db: Database, webhook: str) -> None:
    """The turn is locked, so that of two that start together one comes second."""
    await lock_turn(db, webhook)
    rows = await db.fetch(
        "SELECT id FROM replay WHERE webhook = :webhook AND state = ANY(:open)",
        webhook=webhook,
        open=list(OPEN),
    )
    if rows:
        raise Conflict(
            f"Another replay to this webhook is under way ({rows[0]['id']});"
            " wait for its end, or cancel it."
        )


def _row(by: Actor, wanted: Selection, selected: Bounds, total: int) -> Replay:
    return Replay(
        id=ids.make("rpl", by.now),
        account=by.account,
        webhook=wanted.webhook,
        state=ReplayState.RUNNING,
        states=_json(wanted.states),
        types=_json(wanted.types),
        names=None if selected.names is None else _json(selected.names),
        since=wanted.since,
        until=wanted.until,
        missing=wanted.missing,
        upto=selected.upto,
        total=total,
        rate=wanted.rate_per_second,
        tokens_at=by.now,
        next_at=by.now,
        created_by=by.name[:254],
        created_at=by.now,
    )


_MOVES: dict[ReplayState, tuple[ReplayState, ...]] = {
    ReplayState.PAUSED: (ReplayState.RUNNING,),
    ReplayState.RUNNING: (ReplayState.PAUSED,),
    ReplayState.CANCELLED: OPEN,
}


async def _move(by: Actor, id: str, state: ReplayState) -> ReplayView:
    async with writing() as db:
        changed = await db.fetch(
            """
            UPDATE replay SET state = :state, next_at = :now, tokens_at = :now,
                finished_at = CASE WHEN :ends THEN :now ELSE finished_at END
            WHERE account = :account AND id = :id AND state = ANY(:before)
            RETURNING webhook
            """,
            state=state,
            now=by.now,
            ends=state is ReplayState.CANCELLED,
            account=by.account,
            id=id,
            before=list(_MOVES[state]),
        )
        found = await progress.get(by.account, id)
        if not changed and found.state != state:
            raise Conflict(f"This replay is {found.state} already.")
        if changed:
            if state is ReplayState.CANCELLED:
                await making.drop_waiting(db, id, found.webhook, by.now)
            await audit.note(by, f"replay.{state}", id)
    return found if not changed else await progress.get(by.account, id)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
