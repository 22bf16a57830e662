from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T11:40:00:000028"
VERSION = "1.38.0"
DESCRIPTION = "find each recipient's latest notice"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    await engine().run_ddl(
        "CREATE INDEX notice_recipient ON notice (webhook, recipient, id)"
    )


async def _drop() -> None:
    await engine().run_ddl("DROP INDEX notice_recipient")
