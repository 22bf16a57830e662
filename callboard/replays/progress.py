"""How far replays are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from callboard.database import Row, reading
from callboard.errors import NotFound
from callboard.paging import Page, decode_cursor, page_of
from callboard.replays.selection import Selection
from callboard.replays.states import OPEN, ReplayState
from callboard.webhooks.states import WebhookState

_decode = msgspec.json.decode


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
    return page_of([_view(row) for row in rows], limit, lambda view: view.id)


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
