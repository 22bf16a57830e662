"""Replays as people ask for them: preview, start, look, pause, resume, cancel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from callboard import ids
from callboard.accounts import audit
from callboard.catalogue import contexts
from callboard.catalogue.tables import EventType
from callboard.database import Database, Row, reading, writing
from callboard.delivery import acts
from callboard.delivery.states import FINISHED, DeliveryState
from callboard.errors import Conflict, Invalid, NotFound, Problem
from callboard.matching.filters import Filters
from callboard.paging import Page, decode_cursor, encode_cursor
from callboard.replays import picking, selection
from callboard.replays.picking import Bounds, Picked
from callboard.replays.selection import Selection
from callboard.replays.states import OPEN, ReplayState
from callboard.replays.tables import Replay
from callboard.webhooks.settings import settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook
from callboard.webhooks.wants import wants_of

_SAMPLES = 5
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent now; `samples` are the first of it."""

    count: int
    samples: list[Picked]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """`done`: of the deliveries `made`, those that have ended, however they did.

    `skipped`: of `total`, those that could not be made any more when their turn came:
    forgotten, held again, or sent again by somebody else. `waits_for`: why a running
    one makes no more just now, None if it does.
    """

    id: str
    webhook: str
    webhook_name: str
    state: ReplayState
    selection: Selection
    total: int
    made: int
    skipped: int
    done: int
    delivered: int
    failed: int
    expired: int
    cancelled: int
    waits_for: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def under_way(self) -> int:
        return self.made - self.done


async def preview(
    account: str, wanted: Selection, keep: timedelta, now: datetime
) -> Preview:
    """Raises Invalid with all that is wrong; that nothing is selected is not."""
    async with reading() as db:
        bounds = await _bounds(db, account, wanted, keep, now)
        samples = await picking.pick(db, bounds, "", _SAMPLES)
    return Preview(await picking.count(bounds), samples.items)


async def start(
    account: str, actor: str, wanted: Selection, keep: timedelta, now: datetime
) -> ReplayView:
    """`keep`: how long events are kept. Raises Invalid with all that is wrong, Conflict
    while another replay of the webhook is open: together they could send twice."""
    async with reading() as db:
        bounds = await _bounds(db, account, wanted, keep, now)
    total = await picking.count(bounds)  # it may take a while, so nobody waits for it
    if not total:
        text = "Nothing matches: there is nothing to send again."
        raise Invalid([Problem("", "empty", text)])
    row = _row(account, actor, wanted, bounds, total, now)
    async with writing() as db:
        await _refuse_a_second(db, wanted.webhook)
        await Replay.insert(row)
        await audit.note(account, actor, "replay.started", row.id, f"{total}", now)
    return await get(account, row.id)


async def get(account: str, id: str) -> ReplayView:
    async with reading() as db:
        rows = await db.fetch(
            f"{_SELECT} WHERE r.account = :account AND r.id = :id",
            account=account,
            id=id,
        )
    if not rows:
        raise NotFound("There is no such replay.")
    return _view(rows[0])


async def page(
    account: str,
    webhook: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ReplayView]:
    """Newest first; `webhook`: only those to it."""
    which = "r.account = :account AND r.id < :before"
    values = {"account": account, "before": decode_cursor(cursor) if cursor else "~"}
    if webhook:
        which += " AND r.webhook = :webhook"
        values["webhook"] = webhook
    async with reading() as db:
        rows = await db.fetch(
            f"{_SELECT} WHERE {which} ORDER BY r.id DESC LIMIT :most",
            most=limit + 1,
            **values,
        )
    views = [_view(row) for row in rows[:limit]]
    return Page(views, encode_cursor(views[-1].id) if len(rows) > limit else None)


async def pause(account: str, actor: str, id: str, now: datetime) -> ReplayView:
    """Nothing more is made; what was made goes on. Unchanged if paused already."""
    return await _move(account, actor, id, ReplayState.PAUSED, now)


async def resume(account: str, actor: str, id: str, now: datetime) -> ReplayView:
    return await _move(account, actor, id, ReplayState.RUNNING, now)


async def cancel(account: str, actor: str, id: str, now: datetime) -> ReplayView:
    """Nothing more is made, and what was made and waits is cancelled, too; only calls
    under way come to their end."""
    return await _move(account, actor, id, ReplayState.CANCELLED, now)


async def drop_waiting(db: Database, replay: str, webhook: str, now: datetime) -> None:
    """Of a cancelled replay, in its transaction."""
    rows = await db.fetch(
        "SELECT delivery FROM replay_delivery WHERE replay = :replay", replay=replay
    )
    made = [row["delivery"] for row in rows]
    if made:
        await acts.cancel_many(db, webhook, made, "replay cancelled", now)


async def bounds_of(row: Replay) -> Bounds:
    """With the webhook's filters of today."""
    states = _decode(row.states, type=list[DeliveryState])
    return Bounds(
        account=row.account,
        webhook=row.webhook,
        states=tuple(states) or FINISHED,
        names=_decode(row.names) if row.names else None,
        since=row.since,
        until=row.until,
        missing=row.missing,
        upto=row.upto,
        at=row.created_at,
        filters=await _filters(row.account, row.webhook) if row.missing else None,
    )


async def _bounds(
    db: Database, account: str, wanted: Selection, keep: timedelta, now: datetime
) -> Bounds:
    webhook = await Webhook.objects().get(
        (Webhook.account == account)
        & (Webhook.id == wanted.webhook)
        & (Webhook.state != WebhookState.DELETED)
    )
    types = await EventType.select(EventType.name).where(EventType.account == account)
    known = [row["name"] for row in types]
    if problems := selection.check(wanted, webhook, known, now - keep, now):
        raise Invalid(problems)
    assert webhook is not None
    return Bounds(
        account=account,
        webhook=wanted.webhook,
        states=wanted.wanted_states,
        names=selection.names(wanted, _decode(webhook.events), known),
        since=wanted.since,
        until=wanted.until,
        missing=wanted.missing,
        upto=await picking.newest(db, account, wanted.webhook, wanted.missing),
        at=now,
        filters=await _filters(account, webhook.id) if wanted.missing else None,
    )


async def _filters(account: str, webhook: str) -> Filters | None:
    row = await Webhook.objects().get(Webhook.id == webhook)
    parents = await contexts.parents(account)
    return wants_of(settings_of(row), parents).filters if row else None


async def _refuse_a_second(db: Database, webhook: str) -> None:
    """The turn is locked, so that of two that start together one comes second."""
    await db.fetch(
        "SELECT webhook FROM turn WHERE webhook = :webhook FOR UPDATE", webhook=webhook
    )
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


def _row(
    account: str,
    actor: str,
    wanted: Selection,
    bounds: Bounds,
    total: int,
    now: datetime,
) -> Replay:
    return Replay(
        id=ids.make("rpl", now),
        account=account,
        webhook=wanted.webhook,
        state=ReplayState.RUNNING,
        states=_json(wanted.states),
        types=_json(wanted.types),
        names=None if bounds.names is None else _json(bounds.names),
        since=wanted.since,
        until=wanted.until,
        missing=wanted.missing,
        upto=bounds.upto,
        total=total,
        rate=wanted.rate_per_second,
        tokens_at=now,
        next_at=now,
        created_by=actor[:254],
        created_at=now,
    )


_MOVES: dict[ReplayState, tuple[ReplayState, ...]] = {
    ReplayState.PAUSED: (ReplayState.RUNNING,),
    ReplayState.RUNNING: (ReplayState.PAUSED,),
    ReplayState.CANCELLED: OPEN,
}


async def _move(
    account: str, actor: str, id: str, state: ReplayState, now: datetime
) -> ReplayView:
    async with writing() as db:
        changed = await db.fetch(
            """
            UPDATE replay SET state = :state, next_at = :now, tokens_at = :now,
                finished_at = CASE WHEN :ends THEN :now ELSE finished_at END
            WHERE account = :account AND id = :id AND state = ANY(:before)
            RETURNING webhook
            """,
            state=state,
            now=now,
            ends=state is ReplayState.CANCELLED,
            account=account,
            id=id,
            before=list(_MOVES[state]),
        )
        found = await get(account, id)
        if not changed and found.state != state:
            raise Conflict(f"This replay is {found.state} already.")
        if changed:
            if state is ReplayState.CANCELLED:
                await drop_waiting(db, id, found.webhook, now)
            await audit.note(account, actor, f"replay.{state}", id, "", now)
    return found if not changed else await get(account, id)


_SELECT = """
    SELECT r.*, w.name AS webhook_name, w.state AS webhook_state,
           h.since AS failing_since,
           (SELECT count(*) FROM replay_delivery l WHERE l.replay = r.id) AS under_way
    FROM replay r JOIN webhook w ON w.id = r.webhook
    LEFT JOIN health h ON h.webhook = r.webhook
"""


def _view(row: Row) -> ReplayView:
    wanted = Selection(
        webhook=row["webhook"],
        states=tuple(_decode(row["states"])),
        types=tuple(_decode(row["types"])),
        since=row["since"],
        until=row["until"],
        missing=bool(row["missing"]),
        rate_per_second=row["rate"],
    )
    is_over = row["exhausted"] or row["state"] == ReplayState.FINISHED
    return ReplayView(
        id=row["id"],
        webhook=row["webhook"],
        webhook_name=row["webhook_name"],
        state=ReplayState(row["state"]),
        selection=wanted,
        total=row["total"],
        made=row["made"],
        skipped=max(row["total"] - row["made"], 0) if is_over else 0,
        done=row["made"] - row["under_way"],
        waits_for=_waits_for(row),
        **{name: row[name] for name in _COPIED},
    )


_COPIED: Sequence[str] = (
    *("delivered", "failed", "expired", "cancelled"),
    *("created_by", "created_at", "finished_at"),
)


def _waits_for(row: Row) -> str | None:
    if row["state"] != ReplayState.RUNNING:
        return None
    if row["webhook_state"] != WebhookState.ACTIVE:
        return f"{row['webhook_name']} is {row['webhook_state']}: activate it to go on."
    if row["failing_since"] is not None and row["under_way"]:
        return f"{row['webhook_name']} fails: only few are sent until one succeeds."
    return None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
