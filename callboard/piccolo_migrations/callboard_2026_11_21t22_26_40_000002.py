from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-21T22:26:40:000002"
VERSION = "1.38.0"
DESCRIPTION = (
    "indexes over several columns, which Piccolo's SQLite tables cannot declare"
)

_INDEXES = {
    "event_type_name": "UNIQUE INDEX {} ON event_type (account, name)",
    "event_key": "UNIQUE INDEX {} ON event (account, key) WHERE key IS NOT NULL",
    "event_feed": "INDEX {} ON event (account, id)",
    "delivery_event": "INDEX {} ON delivery (event)",
    "delivery_feed": "INDEX {} ON delivery (account, seq)",
    "delivery_webhook": "INDEX {} ON delivery (webhook, seq)",
    "delivery_due": "INDEX {} ON delivery (webhook, due, seq) WHERE state = 'pending'",
    "delivery_open": "INDEX {} ON delivery (webhook, seq)"
    " WHERE state IN ('pending', 'held')",
    "delivery_ended": "INDEX {} ON delivery (account, seq)"
    " WHERE state IN ('failed', 'expired', 'cancelled')",
    "attempt_delivery": "INDEX {} ON attempt (delivery, number)",
    "tally_webhook": "UNIQUE INDEX {} ON tally (webhook, bucket)",
    "tally_account": "INDEX {} ON tally (account, bucket)",
    "turn_account": "INDEX {} ON turn (account)",
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    found = engine()
    for name, text in _INDEXES.items():
        await found.run_ddl(f"CREATE {text.format(name)}")
    if found.engine_type == "postgres":
        # Room in the page for the lease, which then touches no index.
        await found.run_ddl("ALTER TABLE turn SET (fillfactor = 20)")
        await found.run_ddl("ALTER TABLE delivery SET (fillfactor = 60)")


async def _drop() -> None:
    for name in _INDEXES:
        await engine().run_ddl(f"DROP INDEX {name}")
