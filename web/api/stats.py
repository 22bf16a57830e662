from datetime import datetime, timedelta
from typing import Self

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from callboard.errors import invalid
from callboard.insight import overview
from callboard.insight.overview import Figures, Latency
from callboard.webhooks import webhooks
from web.security import Running

# The span, and how many buckets it is told in.
_WINDOWS = {
    "1h": (timedelta(hours=1), 60),
    "24h": (timedelta(hours=24), 48),
    "7d": (timedelta(days=7), 84),
    "30d": (timedelta(days=30), 60),
}


class BucketOut(msgspec.Struct):
    begins: datetime
    delivered: int
    tried_again: int
    failed: int


class LatencyOut(msgspec.Struct):
    """Seconds from acceptance to the end of delivery."""

    p50: float
    p95: float


class StatsOut(msgspec.Struct):
    """`latency` is told for the whole account only, of its latest deliveries."""

    window: str
    delivered: int
    tried_again: int
    failed: int
    success_rate: float | None
    latency: LatencyOut | None
    buckets: list[BucketOut]

    @classmethod
    def of(cls, window: str, figures: Figures, latency: Latency | None) -> Self:
        return cls(
            window=window,
            delivered=figures.delivered,
            tried_again=figures.tried_again,
            failed=figures.failed,
            success_rate=figures.success_rate,
            latency=LatencyOut(latency.p50, latency.p95) if latency else None,
            buckets=[
                BucketOut(b.begins, b.delivered, b.tried_again, b.failed)
                for b in figures.bars
            ],
        )


@get("/stats", tags=["Stats"])
async def stats(
    account: NamedDependency[str],
    runtime: Running,
    webhook: FromQuery[str | None] = None,
    window: FromQuery[str] = "24h",
) -> StatsOut:
    """Counts by outcome, in buckets, of the account or of one webhook."""
    if window not in _WINDOWS:
        raise invalid("window", "unknown", f"Use one of {', '.join(_WINDOWS)}.")
    if webhook is not None:
        await webhooks.get(account, webhook)
    span, bars = _WINDOWS[window]
    figures = await overview.figures(account, runtime.clock(), span, bars, webhook)
    latency = None if webhook else await overview.latency(account)
    return StatsOut.of(window, figures, latency)
