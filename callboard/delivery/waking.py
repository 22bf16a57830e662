from datetime import datetime

from callboard.database import Database


async def wake(db: Database, webhook: str, now: datetime) -> None:
    """The next claim looks at the webhook's deliveries, whatever its turn knew."""
    await db.fetch(
        "UPDATE turn SET next_due = :now WHERE webhook = :webhook",
        webhook=webhook,
        now=now,
    )
