"""The webhooks that want a person. Several that fail at one host are told of once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callboard.database import Database, Row, as_time, reading
from callboard.delivery import standing
from callboard.ids import AFTER_ALL
from callboard.outcome import ErrorClass
from callboard.webhooks.urls import host_of

_MOST = 20
_MOST_READ = 10_000
_STOPPED = """
    SELECT w.id, w.name, w.url, w.state, w.cause, w.state_since AS since,
        h.last_status, h.last_error
    FROM webhook w LEFT JOIN health h ON h.webhook = w.id
    WHERE w.account = :account AND w.state IN ('deactivated', 'paused')
    ORDER BY w.state, w.state_since DESC LIMIT :most
"""
_FAILING = """
    SELECT w.id, w.name, w.url, h.since, h.tries, h.last_status, h.last_error
    FROM webhook w JOIN health h ON h.webhook = w.id
    WHERE w.account = :account AND w.state = 'active' AND h.since IS NOT NULL
    ORDER BY h.since LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`state` is `trying` for an active webhook whose receiver fails. `held_until`:
    when the first of what is held expires. `webhooks`: so many at `host` share it;
    `id`, `name` and what else differs are those of the longest."""

    id: str
    name: str
    state: str
    since: datetime
    why: str
    held: int = 0
    held_until: datetime | None = None
    host: str = ""
    webhooks: int = 1


async def needs_you(account: str, least: int = 1) -> list[Trouble]:
    """The worst first, at most 20 of each kind; those that so many webhooks share."""
    async with reading() as db:
        stopped = await db.fetch(_STOPPED, account=account, most=_MOST_READ)
        failing = await db.fetch(_FAILING, account=account, most=_MOST_READ)
        groups = _groups(map(_stopped, stopped), least)
        holding = [await _holding(db, group) for group in groups]
    others = _groups(map(_failing, failing), least)
    return holding + [_as_one(group) for group in others]


async def of_hosts(account: str) -> list[Trouble]:
    """Those that several webhooks share."""
    return await needs_you(account, least=2)


def _groups(troubles: Iterable[Trouble], least: int) -> list[list[Trouble]]:
    """What has no host, because a person did it, stays alone."""
    groups: dict[tuple[str, str], list[Trouble]] = {}
    for each in troubles:
        groups.setdefault((each.host or each.id, each.state), []).append(each)
    return [group for group in groups.values() if len(group) >= least][:_MOST]


def _as_one(group: Sequence[Trouble]) -> Trouble:
    first = min(group, key=lambda each: each.since)
    return replace(first, webhooks=len(group))


async def _holding(db: Database, group: Sequence[Trouble]) -> Trouble:
    """As one, with what all of them hold."""
    ids = [each.id for each in group]
    held = sum((await standing.held_by(db, ids, AFTER_ALL)).values())
    rows = await db.fetch(
        """
        SELECT min(ends) AS first FROM (SELECT
            (SELECT d.held_until FROM delivery d WHERE d.webhook = w.id
               AND d.state = 'held' ORDER BY d.held_until LIMIT 1) AS ends
            FROM webhook w WHERE w.id = ANY(:webhooks)) AS first
        """,
        webhooks=ids,
    )
    first = rows[0]["first"]
    until = as_time(first) if first else None
    return replace(_as_one(group), held=held, held_until=until)


def _stopped(row: Row) -> Trouble:
    by_rule = bool(row["cause"])
    return Trouble(
        id=row["id"],
        name=row["name"],
        state=row["state"],
        since=row["since"],
        why=_answer(row) if by_rule else "",
        host=_at(row) if by_rule else "",
    )


def _failing(row: Row) -> Trouble:
    tries = "1 failed try" if row["tries"] == 1 else f"{row['tries']} failed tries"
    why = f"{_answer(row)}, {tries}"
    since = row["since"]
    return Trouble(row["id"], row["name"], "trying", since, why, host=_at(row))


def _answer(row: Row) -> str:
    answer = row["last_status"] or (row["last_error"] or "no answer").replace("_", " ")
    return f"{answer} from {_at(row)}" if _at(row) else answer


def _at(row: Row) -> str:
    """The host whose fault it may be: without an access token it was not called."""
    return "" if row["last_error"] == ErrorClass.TOKEN else host_of(row["url"])
