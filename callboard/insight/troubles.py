"""The webhooks that want a person. Several that fail at one host are told of once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callboard.database import Database, Row, as_time, reading
from callboard.delivery import standing
from callboard.matching.values import listed
from callboard.numerals import MOST_COUNTED, written
from callboard.outcome import ErrorClass
from callboard.webhooks.urls import host_of

_MOST = 20
_MOST_READ = 10_000
_MOST_ANSWERS = 3
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
    """`state` is `trying` for an active webhook whose receiver fails. `answers`: the
    last ones, each named once; `tries` have failed. `held_until`: when the first of
    what is held expires. `webhooks`: so many at `host` share it; `id`, `name` and
    `since` are those of the longest."""

    id: str
    name: str
    state: str
    since: datetime
    answers: tuple[str, ...] = ()
    tries: int = 0
    held: int = 0
    held_until: datetime | None = None
    host: str = ""
    webhooks: int = 1

    @property
    def why(self) -> str:
        """Empty where a person did it."""
        if not self.answers:
            return ""
        shown = list(self.answers[:_MOST_ANSWERS])
        shown += ["others"] if len(self.answers) > _MOST_ANSWERS else []
        said = listed(shown) + (f" from {self.host}" if self.host else "")
        if not self.tries:
            return said
        noun = "failed try" if self.tries == 1 else "failed tries"
        return f"{said}, {written(self.tries)} {noun}"


async def needs_you(account: str, least: int = 1) -> list[Trouble]:
    """The worst first, at most 20 of each kind. `least`: only those that so many
    webhooks share."""
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
    answers = dict.fromkeys(answer for each in group for answer in each.answers)
    tries = sum(each.tries for each in group)
    return replace(first, answers=(*answers,), tries=tries, webhooks=len(group))


async def _holding(db: Database, group: Sequence[Trouble]) -> Trouble:
    """As one, with what all of them hold."""
    ids = [each.id for each in group]
    held = sum((await standing.held_by(db, ids, MOST_COUNTED + 1)).values())
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
        answers=(_answer(row),) if by_rule else (),
        host=_at(row) if by_rule else "",
    )


def _failing(row: Row) -> Trouble:
    return Trouble(
        id=row["id"],
        name=row["name"],
        state="trying",
        since=row["since"],
        answers=(_answer(row),),
        tries=row["tries"],
        host=_at(row),
    )


def _answer(row: Row) -> str:
    status = row["last_status"]
    return str(status or (row["last_error"] or "no answer").replace("_", " "))


def _at(row: Row) -> str:
    """The host whose fault it may be: without an access token it was not called."""
    return "" if row["last_error"] == ErrorClass.TOKEN else host_of(row["url"])
