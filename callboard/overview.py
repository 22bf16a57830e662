"""What is going on, for the first page and for probes, without long counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard import ids
from callboard.database import AWAY, Database, check_schema, reading
from callboard.errors import Unavailable
from callboard.queue import ArqQueue

# A beat older than this, by the database's clock, is no sign of life.
_ALIVE = timedelta(seconds=15)
_WORRY = timedelta(seconds=30)
_MOVING = timedelta(seconds=25)
_MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Readiness:
    """`ready` needs database and schema only; the rest tells an operator where to look.

    `oldest_due_seconds`: how long the longest due delivery of an active webhook that
    could be called has waited.
    """

    database: bool
    schema: bool
    redis: bool
    workers: int
    oldest_due_seconds: float

    @property
    def ready(self) -> bool:
        return self.database and self.schema


async def readiness(queue: ArqQueue, now: datetime) -> Readiness:
    redis = await queue.ping()
    try:
        missing = await check_schema()
        async with reading() as db:
            workers = await _workers(db, now)
            oldest = await oldest_due(db, now)
    except (Unavailable, *AWAY):
        return Readiness(False, False, redis, 0, 0.0)
    return Readiness(True, not missing, redis, workers, oldest.total_seconds())


async def oldest_due(
    db: Database, now: datetime, account: str | None = None
) -> timedelta:
    """Of webhooks that have a call free: what waits for its own webhook's cap, or in
    the patient lane while that moves, is not forgotten."""
    rows = await db.fetch(
        """
        SELECT min((SELECT min(due) FROM delivery d WHERE d.webhook = turn.webhook
            AND d.state = 'pending' AND d.lease IS NULL)) AS due
        FROM turn WHERE open AND next_due <= :now AND leased < slots
          AND (:account = '' OR account = :account)
          AND (lane != 'patient' OR NOT EXISTS (SELECT 1 FROM turn other
              WHERE other.lane = 'patient' AND other.served > :moved))
        """,
        now=now,
        account=account or "",
        moved=int((now - _MOVING).timestamp() * 1_000_000),
    )
    due = rows[0]["due"]
    if isinstance(due, str):  # SQLite tells no type for an expression
        due = datetime.fromisoformat(due)
    return max(now - due, timedelta()) if due is not None else timedelta()


async def waited(account: str, now: datetime) -> timedelta:
    """How long what is due longest has waited."""
    async with reading() as db:
        return await oldest_due(db, now, account)


async def alarm(account: str, now: datetime) -> str:
    """A sentence for the strip above every page; empty when nothing needs a person."""
    async with reading() as db:
        waited = await oldest_due(db, now, account)
        if waited < _WORRY:
            return ""
        workers = await _workers(db, now)
    minutes = int(waited.total_seconds() // 60)
    span = f"{minutes} min" if minutes else f"{int(waited.total_seconds())} s"
    cause = "no worker is running" if not workers else "the workers do not keep up"
    return f"Deliveries have been waiting for {span}: {cause}."


async def _workers(db: Database, now: datetime) -> int:
    rows = await db.fetch(
        "SELECT count(*) AS alive FROM worker WHERE beat_at > :since",
        since=now - _ALIVE,
    )
    return int(rows[0]["alive"])


@dataclass(frozen=True, slots=True)
class Bar:
    begins: datetime
    delivered: int
    tried_again: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one account, or of one webhook of it, over a span."""

    bars: tuple[Bar, ...]
    delivered: int
    tried_again: int
    failed: int

    @property
    def finished(self) -> int:
        return self.delivered + self.failed

    @property
    def success_rate(self) -> float | None:
        return self.delivered / self.finished if self.finished else None


async def figures(
    account: str,
    now: datetime,
    span: timedelta = timedelta(hours=24),
    bars: int = 48,
    webhook: str | None = None,
) -> Figures:
    """Bars of equal width that end with the present one."""
    width = span / bars
    start = _floor(now, width) - width * (bars - 1)
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT bucket, sum(delivered) AS delivered, sum(failed) AS failed,
                   sum(tried_again) AS tried_again
            FROM tally WHERE account = :account AND bucket >= :start
              AND (:webhook = '' OR webhook = :webhook)
            GROUP BY bucket ORDER BY bucket
            """,
            account=account,
            start=start,
            webhook=webhook or "",
        )
    counts = [[0, 0, 0] for _ in range(bars)]
    for row in rows:
        place = min(int((row["bucket"] - start) / width), bars - 1)
        for each, name in enumerate(("delivered", "tried_again", "failed")):
            counts[place][each] += int(row[name])
    made = [Bar(start + width * place, *count) for place, count in enumerate(counts)]
    return Figures(
        bars=tuple(made),
        delivered=sum(bar.delivered for bar in made),
        tried_again=sum(bar.tried_again for bar in made),
        failed=sum(bar.failed for bar in made),
    )


async def bars_of(
    account: str, webhooks: Sequence[str], now: datetime, bars: int = 24
) -> dict[str, list[Bar]]:
    """The last 24 hours of each of these webhooks, in one statement."""
    width = timedelta(hours=24) / bars
    start = _floor(now, width) - width * (bars - 1)
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT webhook, bucket, delivered, tried_again, failed FROM tally
            WHERE account = :account AND webhook = ANY(:webhooks) AND bucket >= :start
            """,
            account=account,
            webhooks=list(webhooks),
            start=start,
        )
    counts = {id: [[0, 0, 0] for _ in range(bars)] for id in webhooks}
    for row in rows:
        place = min(int((row["bucket"] - start) / width), bars - 1)
        for each, name in enumerate(("delivered", "tried_again", "failed")):
            counts[row["webhook"]][place][each] += int(row[name])
    return {
        id: [Bar(start + width * place, *count) for place, count in enumerate(each)]
        for id, each in counts.items()
    }


def _floor(time: datetime, width: timedelta) -> datetime:
    seconds = width.total_seconds()
    return datetime.fromtimestamp(time.timestamp() // seconds * seconds, time.tzinfo)


async def count_events(account: str, since: datetime) -> int:
    """At most 100 000: a page that says "100 000 or more" need not count on."""
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT count(*) AS events FROM (
                SELECT 1 FROM event WHERE account = :account AND id >= :first
                LIMIT :most) AS counted
            """,
            account=account,
            first=ids.earliest("evt", since),
            most=_MOST_COUNTED,
        )
    return int(rows[0]["events"])


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from acceptance to the end of delivery, of the latest 1 000 delivered."""

    p50: float
    p95: float


async def latency(account: str) -> Latency | None:
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT created_at, finished_at FROM (
                SELECT created_at, finished_at, state FROM delivery
                WHERE account = :account ORDER BY seq DESC LIMIT 1000) AS latest
            WHERE state = 'delivered'
            """,
            account=account,
        )
    took = sorted((r["finished_at"] - r["created_at"]).total_seconds() for r in rows)
    if not took:
        return None
    return Latency(took[len(took) // 2], took[int(len(took) * 0.95)])


@dataclass(frozen=True, slots=True)
class WebhookFigures:
    webhook: str
    delivered: int
    failed: int
    tried_again: int


async def by_webhook(account: str, since: datetime) -> list[WebhookFigures]:
    """The webhooks with traffic since then, the busiest first, at most 100."""
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT webhook, sum(delivered) AS delivered, sum(failed) AS failed,
                   sum(tried_again) AS tried_again
            FROM tally WHERE account = :account AND bucket >= :since
            GROUP BY webhook
            ORDER BY sum(delivered) + sum(failed) + sum(tried_again) DESC LIMIT 100
            """,
            account=account,
            since=since,
        )
    return [
        WebhookFigures(
            r["webhook"], int(r["delivered"]), int(r["failed"]), int(r["tried_again"])
        )
        for r in rows
    ]
