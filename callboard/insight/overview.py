"""What is going on, for the first page, without long counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard import ids
from callboard.database import reading

_MOST_COUNTED = 100_000


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
