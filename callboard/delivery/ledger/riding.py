"""Deliveries that ride in the call of another: see callboard/delivery/buckets.py."""

from collections.abc import Sequence

from callboard.database import Database, Rows


async def free(db: Database, calls: Sequence[tuple[str, str]]) -> int:
    """Sets those free that ride in these calls, which nobody makes any more: the bucket
    and the lease of each. They count as no calls of their own; how many there were.

    Others of a bucket may ride in the call of another worker."""
    if not calls:
        return 0
    rows = await db.fetch(
        """
        UPDATE delivery SET lease = NULL FROM {calls}
        WHERE delivery.bucket = calls.bucket AND delivery.lease = calls.lease
          AND delivery.state = 'pending' AND delivery.due IS NULL
        RETURNING delivery.seq
        """,
        calls=Rows({"bucket": "text", "lease": "text"}, sorted(set(calls))),
    )
    return len(rows)
