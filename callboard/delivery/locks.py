from callboard.database import Database


async def lock_turn(db: Database, webhook: str) -> None:
    """Until the transaction ends nobody else claims or moves deliveries of it."""
    await db.fetch(
        "SELECT webhook FROM turn WHERE webhook = :webhook FOR UPDATE", webhook=webhook
    )
