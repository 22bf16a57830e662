"""Events that get further deliveries long after they came."""

from collections.abc import Iterable

from callboard.database import Database


async def keep(db: Database, account: str, ids: Iterable[str]) -> set[str]:
    """Those that are still there; none of them is forgotten in this transaction."""
    rows = await db.fetch(
        """
        SELECT id FROM event WHERE account = :account AND id = ANY(:ids)
        ORDER BY id FOR SHARE
        """,
        account=account,
        ids=list(ids),
    )
    return {row["id"] for row in rows}
