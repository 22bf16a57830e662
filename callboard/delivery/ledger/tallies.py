"""Counts of calls in buckets of five minutes."""

from datetime import datetime

from callboard.database import Database, Rows
from callboard.delivery.ledger.values import Result
from callboard.delivery.states import DeliveryState


async def tally(db: Database, mine: dict[str, list[Result]]) -> None:
    counts: dict[tuple[str, datetime], list[int]] = {}
    accounts = {}
    places = {DeliveryState.DELIVERED: 0, DeliveryState.FAILED: 1}
    for webhook, results in mine.items():
        for result in results:
            accounts[webhook] = result.claimed.account
            key = webhook, bucket_of(result.ended_at)
            counts.setdefault(key, [0, 0, 0])[places.get(result.state, 2)] += 1
    columns = {
        "account": "text",
        "webhook": "text",
        "bucket": "timestamptz",
        "delivered": "int",
        "failed": "int",
        "tried_again": "int",
    }
    rows = [(accounts[key[0]], *key, *count) for key, count in sorted(counts.items())]
    await db.fetch(
        """
        INSERT INTO tally (account, webhook, bucket, delivered, failed, tried_again)
        SELECT account, webhook, bucket, delivered, failed, tried_again FROM {more}
        WHERE true
        ON CONFLICT (webhook, bucket) DO UPDATE SET
            delivered = tally.delivered + excluded.delivered,
            failed = tally.failed + excluded.failed,
            tried_again = tally.tried_again + excluded.tried_again
        """,
        more=Rows(columns, rows),
    )


def bucket_of(time: datetime) -> datetime:
    return time.replace(minute=time.minute - time.minute % 5, second=0, microsecond=0)
