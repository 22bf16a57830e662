"""Leases that are taken away: their worker has ended, or does not know of them.

Locks the turns of the webhooks before their deliveries, as claim and record do.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from callboard.database import Database, Row, Rows
from callboard.delivery.ledger import riding

# As many as its turn counts, and no further: those that lead a call are what was due
# longest, and a million may wait behind them. Only what is pending has a lease.
_BY_DUE = """
    SELECT d.seq, d.webhook, d.lease FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending'
      AND d.lease IS NOT NULL AND d.due IS NOT NULL
    ORDER BY d.due, d.seq LIMIT {leased}
"""
# An ordered webhook's is its head, which may be due later than what waits behind it.
_BY_SEQ = """
    SELECT d.seq, d.webhook, d.lease FROM delivery d
    WHERE d.webhook = {webhook} AND d.state IN ('pending', 'held')
      AND d.lease IS NOT NULL AND d.due IS NOT NULL
    ORDER BY d.seq LIMIT {leased}
"""
_OF_TURN = {"webhook": "t.webhook", "leased": "t.leased"}
_TAKEN_POSTGRES = f"""
    SELECT taken.* FROM turn t CROSS JOIN LATERAL (
        {_BY_DUE.format_map(_OF_TURN)}) AS taken
    WHERE t.leased > 0 AND NOT t.ordered
    UNION ALL
    SELECT taken.* FROM turn t CROSS JOIN LATERAL (
        {_BY_SEQ.format_map(_OF_TURN)}) AS taken
    WHERE t.leased > 0 AND t.ordered
"""
_GIVEN = {"webhook": ":webhook", "leased": ":leased"}


async def free(db: Database, worker: str, now: datetime) -> int:
    """Takes all leases of a worker away; the number of deliveries set free."""
    taken = [each for each in await _taken(db) if _is_of(worker, each["lease"])]
    return await _free(db, taken, now)


async def free_claims(db: Database, leases: list[str], now: datetime) -> int:
    """The same for single claims."""
    taken = [each for each in await _taken(db) if each["lease"] in leases]
    return await _free(db, taken, now)


def _is_of(worker: str, lease: str) -> bool:
    return lease.partition("/")[0] == worker


async def _taken(db: Database) -> list[Row]:
    """All deliveries that lead a call, whoever makes it."""
    if not db.is_sqlite:
        return await db.fetch(_TAKEN_POSTGRES)
    rows: list[Row] = []
    for turn in await db.fetch("SELECT * FROM turn t WHERE t.leased > 0"):
        sql = (_BY_SEQ if turn["ordered"] else _BY_DUE).format_map(_GIVEN)
        rows += await db.fetch(sql, webhook=turn["webhook"], leased=turn["leased"])
    return rows


async def _free(db: Database, taken: Sequence[Row], now: datetime) -> int:
    await _lock_turns(db, sorted({row["webhook"] for row in taken}))
    leads = Rows(
        {"seq": "bigint", "lease": "text"},
        [(row["seq"], row["lease"]) for row in taken],
    )
    freed = await db.fetch(
        """
        UPDATE delivery SET lease = NULL FROM {leads}
        WHERE delivery.seq = leads.seq AND delivery.lease = leads.lease
        RETURNING delivery.seq, delivery.webhook, delivery.bucket
        """,
        leads=leads,
    )
    lease = {row["seq"]: row["lease"] for row in taken}
    calls = [(row["bucket"], lease[row["seq"]]) for row in freed if row["bucket"]]
    riders = await riding.free(db, calls)
    counts = Counter(row["webhook"] for row in freed)
    await db.fetch(
        """
        UPDATE turn SET leased = leased - lost.leases, next_due = :now
        FROM {lost} WHERE turn.webhook = lost.webhook
        """,
        lost=Rows({"webhook": "text", "leases": "int"}, sorted(counts.items())),
        now=now,
    )
    return len(freed) + riders


async def _lock_turns(db: Database, webhooks: list[str]) -> None:
    await db.fetch(
        """
        SELECT webhook FROM turn WHERE webhook = ANY(:webhooks)
        ORDER BY webhook FOR UPDATE
        """,
        webhooks=webhooks,
    )
