"""Whether all is well, for probes and for the strip above every page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard.database import AWAY, FENCE, Database, as_time, check_schema, reading
from callboard.errors import Unavailable
from callboard.queue import Queue

# A beat older than this, by the database's clock, is no sign of life.
_ALIVE = timedelta(seconds=15)
_WORRY = timedelta(seconds=30)
_MOVING = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class Readiness:
    """`ready` needs database and schema only; the rest tells an operator where to look.

    `oldest_due_seconds`: how long the longest due delivery of an active webhook that
    could be called has waited, or a scheduled run with something to send. `problem`:
    what is wrong with the database.
    """

    database: bool
    schema: bool
    redis: bool
    workers: int
    oldest_due_seconds: float
    problem: str | None = None

    @property
    def ready(self) -> bool:
        return self.database and self.schema


@dataclass(frozen=True, slots=True)
class Alarm:
    """Deliveries have `waited` so long, which grows, because of `cause`."""

    waited: timedelta
    cause: str


async def look(queue: Queue, now: datetime) -> Readiness:
    redis = await queue.ping()
    try:
        missing = await check_schema()
        async with reading() as db:
            workers = await _workers(db, now)
            oldest = await oldest_due(db, now)
    except AWAY as away:
        problem = away.message if isinstance(away, Unavailable) else None
        return Readiness(False, False, redis, 0, 0.0, problem)
    return Readiness(True, not missing, redis, workers, oldest.total_seconds())


async def oldest_due(
    db: Database, now: datetime, account: str | None = None
) -> timedelta:
    """Of webhooks that have a call free: what waits for its own webhook's cap, or in
    the patient lane while that moves, is not forgotten. While no worker lives nothing
    is a reason to wait, not even that one had a call under way."""
    values: dict[str, object] = {"now": now, "account": account or ""}
    if await _workers(db, now):
        sql = _WAITS_FOR_A_WORKER
        values["moved"] = int((now - _MOVING).timestamp() * 1_000_000)
    else:
        sql = _WAITS_FOR_ANYBODY
    rows = await db.fetch(sql, **values)
    rows += await db.fetch(_WAITS_FOR_A_RUN, now=now, account=account or "")
    found = [as_time(row["due"]) for row in rows if row["due"] is not None]
    return max(now - min(found, default=now), timedelta())


_WAITS_FOR_A_WORKER = """
    SELECT min((SELECT due FROM delivery d WHERE d.webhook = turn.webhook
        AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NOT NULL
        ORDER BY due LIMIT 1)) AS due
    FROM turn WHERE open AND gap_to = 0 AND next_due <= :now AND leased < slots
      AND (:account = '' OR account = :account)
      AND (lane != 'patient' OR NOT EXISTS (SELECT 1 FROM turn other
          WHERE other.lane = 'patient' AND other.served > :moved))
"""
# A run that should have begun, and would find something.
_WAITS_FOR_A_RUN = f"""
    SELECT min(s.next_run) AS due FROM schedule s JOIN turn t ON t.webhook = s.webhook
    WHERE t.open AND t.follow IS NULL AND s.going IS NULL AND s.next_run <= :now
      AND (:account = '' OR t.account = :account)
      AND EXISTS (SELECT 1 FROM delivery d WHERE d.webhook = s.webhook
          AND d.state = 'pending' AND d.due IS NULL AND d.lease IS NULL {FENCE})
"""
_WAITS_FOR_ANYBODY = """
    SELECT min((SELECT due FROM delivery d WHERE d.webhook = turn.webhook
        AND d.state = 'pending' AND d.due <= :now ORDER BY due LIMIT 1)) AS due
    FROM turn WHERE open AND gap_to = 0 AND (:account = '' OR account = :account)
"""


async def waited(account: str, now: datetime) -> timedelta:
    """How long what is due longest has waited."""
    async with reading() as db:
        return await oldest_due(db, now, account)


async def alarm(account: str, now: datetime) -> Alarm | None:
    """For the strip above every page; None when nothing needs a person."""
    async with reading() as db:
        replay = await _replay_waits(db, account, now)
        waited = max(await oldest_due(db, now, account), replay)
        if waited < _WORRY:
            return None
        workers = await _workers(db, now)
    cause = "the workers do not keep up" if workers else "no worker is running"
    return Alarm(waited, cause)


async def _replay_waits(db: Database, account: str, now: datetime) -> timedelta:
    """How long one has waited for its next deliveries to be made while nobody lives who
    could."""
    (row,) = await db.fetch(
        """
        SELECT min(next_at) AS due FROM replay WHERE account = :account
          AND NOT EXISTS (SELECT 1 FROM worker WHERE beat_at > :since)
        """,
        account=account,
        since=now - _ALIVE,
    )
    return max(now - as_time(row["due"]), timedelta()) if row["due"] else timedelta()


async def _workers(db: Database, now: datetime) -> int:
    rows = await db.fetch(
        "SELECT count(*) AS alive FROM worker WHERE beat_at > :since",
        since=now - _ALIVE,
    )
    return int(rows[0]["alive"])
