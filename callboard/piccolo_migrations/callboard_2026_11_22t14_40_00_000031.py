from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T14:40:00:000031"
VERSION = "1.38.0"
DESCRIPTION = "find what is held too long without reading what is not"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    await engine().run_ddl(
        "CREATE INDEX delivery_kept ON delivery (webhook, held_until)"
        " WHERE state = 'held'"
    )


async def _drop() -> None:
    await engine().run_ddl("DROP INDEX delivery_kept")
