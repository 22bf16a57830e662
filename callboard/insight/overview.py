"""What is going on, for the first page, without long counts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from callboard import ids, numerals
from callboard.database import Row, reading

_COUNTED = ("delivered", "tried_again", "failed")  # as `Bar` has them


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
    grid = _Grid.ending(now, span, bars)
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
            start=grid.start,
            webhook=webhook or "",
        )
    made = grid.bars(rows)
    sums = {name: sum(getattr(bar, name) for bar in made) for name in _COUNTED}
    return Figures(bars=tuple(made), **sums)


async def bars_of(
    account: str, webhooks: Sequence[str], now: datetime, bars: int = 24
) -> dict[str, list[Bar]]:
    """The last 24 hours of each of these webhooks, in one statement."""
    grid = _Grid.ending(now, timedelta(hours=24), bars)
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT webhook, bucket, delivered, tried_again, failed FROM tally
            WHERE account = :account AND webhook = ANY(:webhooks) AND bucket >= :start
            """,
            account=account,
            webhooks=list(webhooks),
            start=grid.start,
        )
    own: dict[str, list[Row]] = {id: [] for id in webhooks}
    for row in rows:
        own[row["webhook"]].append(row)
    return {id: grid.bars(found) for id, found in own.items()}


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the bars stand in time; the last one is under way."""

    start: datetime
    width: timedelta
    count: int

    @classmethod
    def ending(cls, now: datetime, span: timedelta, count: int) -> Self:
        width = span / count
        seconds = width.total_seconds()
        begun = now.timestamp() // seconds * seconds
        last = datetime.fromtimestamp(begun, now.tzinfo)
        return cls(last - width * (count - 1), width, count)

    def bars(self, tallies: Iterable[Row]) -> list[Bar]:
        sums = [Counter[str]() for _ in range(self.count)]
        for row in tallies:
            place = int((row["bucket"] - self.start) / self.width)
            counts = {name: int(row[name]) for name in _COUNTED}
            sums[min(place, self.count - 1)].update(counts)
        return [
            Bar(self.start + self.width * place, *(counts[name] for name in _COUNTED))
            for place, counts in enumerate(sums)
        ]


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
            most=numerals.MOST_COUNTED,
        )
    return int(rows[0]["events"])


async def has_delivered(account: str) -> bool:
    """Ever: also what is forgotten by now, and to webhooks that are deleted."""
    async with reading() as db:
        rows = await db.fetch(
            "SELECT 1 FROM turn WHERE account = :account"
            " AND succeeded_at IS NOT NULL LIMIT 1",
            account=account,
        )
    return bool(rows)


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
