"""Counts of calls in buckets of five minutes."""

from collections.abc import Iterable
from datetime import UTC, datetime

from callboard.database import Rows
from callboard.delivery.ledger.values import Result
from callboard.delivery.states import DeliveryState

_SECONDS = 300
_COLUMNS = {
    "account": "text",
    "webhook": "text",
    "bucket": "timestamptz",
    "delivered": "int",
    "failed": "int",
    "tried_again": "int",
}
ADD = """
    INSERT INTO tally (account, webhook, bucket, delivered, failed, tried_again)
    SELECT account, webhook, bucket, delivered, failed, tried_again FROM {tallies}
    WHERE true
    ON CONFLICT (webhook, bucket) DO UPDATE SET
        delivered = tally.delivered + excluded.delivered,
        failed = tally.failed + excluded.failed,
        tried_again = tally.tried_again + excluded.tried_again
"""


def tally_rows(results: Iterable[Result]) -> Rows:
    """How many calls of each webhook ended how, by bucket."""
    counts: dict[tuple[str, str, int], list[int]] = {}
    places = {DeliveryState.DELIVERED: 0, DeliveryState.FAILED: 1}
    for each in results:
        claimed = each.claimed
        bucket = int(each.ended_at.timestamp()) // _SECONDS
        key = claimed.account, claimed.webhook, bucket
        counts.setdefault(key, [0, 0, 0])[places.get(each.state, 2)] += 1
    return Rows(
        _COLUMNS,
        [
            (account, webhook, datetime.fromtimestamp(bucket * _SECONDS, UTC), *count)
            for (account, webhook, bucket), count in sorted(counts.items())
        ],
    )
