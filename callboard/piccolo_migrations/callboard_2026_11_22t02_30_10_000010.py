from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T02:30:10:000010"
VERSION = "1.38.0"
DESCRIPTION = "each tag has one place in an account's tree"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    await engine().run_ddl(
        "CREATE UNIQUE INDEX context_tag_once ON context_tag (account, tag)"
    )


async def _drop() -> None:
    await engine().run_ddl("DROP INDEX context_tag_once")
