"""Where only the latest state of a record counts, older deliveries are cancelled."""

from datetime import datetime

from callboard.database import Database
from callboard.delivery.locks import lock_turn

STEP = 1000


async def supersede(db: Database, webhook: str, now: datetime) -> int:
    """One step: of those that wait for a run, what a newer event of the same record
    stands for, is cancelled. The number of them."""
    await lock_turn(db, webhook)
    rows = await db.fetch(
        """
        UPDATE delivery SET state = 'cancelled', reason = 'superseded', planned = NULL,
            finished_at = :now
        WHERE seq IN (
            SELECT d.seq FROM delivery d
            WHERE d.webhook = :webhook AND d.state = 'pending' AND d.record IS NOT NULL
              AND d.due IS NULL AND d.lease IS NULL AND EXISTS (
                SELECT 1 FROM delivery newer WHERE newer.webhook = d.webhook
                AND newer.state = 'pending' AND newer.record = d.record
                AND newer.seq > d.seq)
            LIMIT :step)
        RETURNING seq
        """,
        webhook=webhook,
        now=now,
        step=STEP,
    )
    return len(rows)
