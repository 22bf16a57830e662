from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T02:10:10:000012"
VERSION = "1.38.0"
DESCRIPTION = "indexes for scheduled runs; deliveries without one are in none of them"

_INDEXES = {
    "delivery_run": "INDEX {} ON delivery (run) WHERE run IS NOT NULL",
    "delivery_bucket": "INDEX {} ON delivery (bucket) WHERE bucket IS NOT NULL",
    "delivery_record": "INDEX {} ON delivery (webhook, record, seq)"
    " WHERE state = 'pending' AND record IS NOT NULL",
    "run_webhook": "INDEX {} ON run (webhook, id)",
    "schedule_next": "INDEX {} ON schedule (next_run)",
    "schedule_going": "INDEX {} ON schedule (going) WHERE going IS NOT NULL",
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
