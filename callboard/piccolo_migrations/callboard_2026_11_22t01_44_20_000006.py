from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T01:44:20:000006"
VERSION = "1.38.0"
DESCRIPTION = "indexes for replays, and for what of a webhook ended badly"

_INDEXES = {
    "replay_next": "INDEX {} ON replay (next_at) WHERE next_at IS NOT NULL",
    "replay_feed": "INDEX {} ON replay (account, id)",
    "replay_delivery_made": "INDEX {} ON replay_delivery (replay, delivery)",
    "delivery_lost": "INDEX {} ON delivery (webhook, seq)"
    " WHERE state IN ('failed', 'expired', 'cancelled')",
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    for name, text in _INDEXES.items():
        await engine().run_ddl(f"CREATE {text.format(name)}")


async def _drop() -> None:
    for name in _INDEXES:
        await engine().run_ddl(f"DROP INDEX {name}")
